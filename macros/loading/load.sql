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


{#
    The last look before a load commits: of each of its files one load's rows are in the warehouse, whatever the ledger was
    when the load was planned. incoming is the temporary table with its files.
#}
{% macro refuse_files_loaded_twice(manifest, incoming) %}
    {% set twice %}
        select file_key
        from {{ source('landed', 'load_history') }}
        where
            status = 'loaded'
            and source = {{ literal(manifest.source) }}
            and file_key in (select file_key from {{ incoming }})
        group by file_key
        having count(*) > 1
    {% endset %}
    {% set found = run_query("select min(file_key) from (" ~ twice ~ ") as twice").rows[0][0] %}
    {% if found is not none %}
        {% do exceptions.raise_compiler_error(
            "loaded twice: " ~ tojson({"source": manifest.source, "file_key": found})
        ) %}
    {% endif %}
{% endmacro %}


{#
    Note what is built before it is tested. The note is not current until record_run finds it again: a dbt command that
    writes models meanwhile deletes it (outdate_runs). Until then no earlier run counts: its tests may have been others.
#}
{% macro begin_tests(run_id, began_at) %}
    {% do run_query("begin") %}
    {% do forget_tests() %}
    {% do run_query(
        "insert into " ~ source('landed', 'run_history')
        ~ " select " ~ literal(run_id) ~ ", '', count(*), false, cast(" ~ literal(began_at) ~ " as timestamp) from "
        ~ source('landed', 'load_history') ~ " where status = 'loaded'"
    ) %}
    {% do run_query("commit") %}
{% endmacro %}


{#
    Note that the tests have passed, for readers to ask and for pipeline/run.py to compare the next run with, and log
    "recorded"; nothing is logged where other models were written since begin_tests. The rows that earlier tests kept go.
#}
{% macro record_run(run_id, project_fingerprint, finished_at) %}
    {% do run_query(
        "drop schema if exists " ~ adapter.quote(generate_schema_name("test_failures", none)) ~ " cascade"
    ) %}
    {% set history = source('landed', 'run_history') %}
    {% do run_query("begin") %}
    {% do run_query(
        "update " ~ history ~ " set is_current = true, project_fingerprint = " ~ literal(project_fingerprint)
        ~ ", finished_at = cast(" ~ literal(finished_at) ~ " as timestamp) where run_id = " ~ literal(run_id)
    ) %}
    {% set recorded = has_rows("select 1 from " ~ history ~ " where is_current and run_id = " ~ literal(run_id)) %}
    {% do run_query("commit") %}
    {% if recorded %}{% do log("recorded", info=true) %}{% endif %}
{% endmacro %}


{#
    A dbt command that writes models puts an end to what was noted of the tables, as it begins and as it ends: a run may
    have tested them in between.
#}
{% macro outdate_runs() %}
    {% if execute and flags.WHICH in ('run', 'build', 'seed') %}
        {% do forget_tests() %}
    {% endif %}
{% endmacro %}


{# Nothing that was noted is current, and what is being tested is not found by record_run. #}
{% macro forget_tests() %}
    {% set history = source('landed', 'run_history') %}
    {% do run_query("delete from " ~ history ~ " where not is_current and project_fingerprint = ''") %}
    {% do run_query("update " ~ history ~ " set is_current = false where is_current") %}
{% endmacro %}


{# A text as an SQL literal. #}
{% macro literal(text) -%}
    {{ return(dbt.string_literal(dbt.escape_single_quotes(text))) }}
{%- endmacro %}


{# The same for several, with commas between them. #}
{% macro literals(texts) -%}
    {%- for text in texts %}{{ literal(text) }}{{ ", " if not loop.last }}{% endfor -%}
{%- endmacro %}
