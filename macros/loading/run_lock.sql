{#
    The last thing before the commit of a transaction under the run lock (pipeline/run_lock.py): see that the lock is
    still held. Whoever gets it next writes its own token, and waits for this transaction to do so; so either this one
    finds the other's token, or the other one finds what this one has committed.

    token    pipeline's RunLock.token; without one, as in a run-operation by hand, nothing is looked at
    witness  temporary table with rows, made in one call with BEGIN: on another connection, where the adapter may run a
             failed statement again, it is not there
#}
{% macro hold_run_lock(token, witness) %}
    {% do adapter.dispatch('hold_run_lock', 'sparkify')(token, witness) %}
{% endmacro %}


{% macro default__hold_run_lock(token, witness) %}
    {% do exceptions.raise_compiler_error("hold_run_lock is not written for " ~ target.type) %}
{% endmacro %}


{# The lock is a file's, which cannot be lost. #}
{% macro duckdb__hold_run_lock(token, witness) %}{% endmacro %}


{% macro redshift__hold_run_lock(token, witness) %}
    {% if token %}
        {% do log("about to commit under the run lock") %} {# pipeline/dbt.py looks at the lock's session here #}
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
