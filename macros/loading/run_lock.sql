{#
    The last step before a transaction under the run lock (pipeline/warehouse/redshift_lock.py) commits: check that the lock is still
    held. The next holder writes its own token, and has to wait for this transaction to do so. Either this transaction
    finds the other's token, or the other holder finds what this transaction has committed.

    token    RunLock.token of the pipeline; without one, as in a manual run-operation, nothing is checked
    witness  temporary table with rows, created in the same call as BEGIN: it does not exist on another connection, where
             the adapter may run a failed statement again
#}
{% macro hold_run_lock(token, witness) %}
    {% do adapter.dispatch('hold_run_lock', 'sparkify')(token, witness) %}
{% endmacro %}


{% macro default__hold_run_lock(token, witness) %}
    {% do exceptions.raise_compiler_error("hold_run_lock is not implemented for the adapter " ~ target.type) %}
{% endmacro %}


{# The lock is on a file and cannot be lost. #}
{% macro duckdb__hold_run_lock(token, witness) %}{% endmacro %}


{% macro redshift__hold_run_lock(token, witness) %}
    {% if token %}
        {% do log("about to commit under the run lock") %} {# pipeline/dbt/runner.py checks the lock's session at this message #}
        {% set holder = generate_schema_name("run_lock", none) ~ ".holder" %}
        {% do run_query(
            "update " ~ holder ~ " set checked_at = getdate() where token = " ~ literal(token)
            ~ " and (select count(*) from " ~ witness ~ ") > 0"
        ) %}
        {% set held = run_query("select count(*) from " ~ holder ~ " where token = " ~ literal(token)) %}
        {% if held.rows[0][0] != 1 %}
            {% do exceptions.raise_compiler_error("another command has taken the run lock; nothing was committed") %}
        {% endif %}
    {% endif %}
{% endmacro %}
