{#
    Load the files of a manifest into the landed tables and the ledger, in one transaction.

    manifest  what pipeline/load.py decided: load_id, source, and for each table its files, in the form that the engine's
              variant reads. Run it through `invoke load`; by itself it takes whatever manifest it is given.
#}
{% macro load(manifest) %}
    {% do create_landed_tables() %}
    {% do adapter.dispatch('load', 'sparkify')(manifest) %}
{% endmacro %}


{% macro default__load(manifest) %}
    {% do exceptions.raise_compiler_error("load is not implemented for the adapter " ~ adapter.type()) %}
{% endmacro %}


{# Note a run that is complete, for pipeline/run.py to compare the next one with. What earlier tests refused goes. #}
{% macro record_run(run_id, project_fingerprint) %}
    {% do run_query(
        "drop schema if exists " ~ adapter.quote(generate_schema_name("test_failures", none)) ~ " cascade"
    ) %}
    {% set finished_at = modules.datetime.datetime.now(modules.pytz.utc).strftime('%Y-%m-%d %H:%M:%S.%f') %}
    {% do run_query("begin") %}
    {% do run_query(
        "insert into " ~ source('landed', 'run_history')
        ~ " select " ~ literal(run_id) ~ ", " ~ literal(project_fingerprint) ~ ", count(*), true, "
        ~ "cast(" ~ literal(finished_at) ~ " as timestamp) from " ~ source('landed', 'load_history')
        ~ " where status = 'loaded'"
    ) %}
    {% do run_query("commit") %}
{% endmacro %}


{# A dbt command that writes models puts an end to what the last run has noted; run and build call it as they begin. #}
{% macro outdate_runs() %}
    {% if execute and flags.WHICH in ('run', 'build', 'seed') %}
        {% do run_query("update " ~ source('landed', 'run_history') ~ " set is_current = false where is_current") %}
    {% endif %}
{% endmacro %}


{# A text as an SQL literal. #}
{% macro literal(text) -%}
    {{ return(dbt.string_literal(dbt.escape_single_quotes(text))) }}
{%- endmacro %}


{# The same for several, with commas between them. #}
{% macro literals(texts) -%}
    {%- for text in texts %}{{ literal(text) }}{{ ", " if not loop.last }}{% endfor -%}
{%- endmacro %}
