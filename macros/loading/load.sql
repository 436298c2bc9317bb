{#
    Load the files of a manifest into the landed tables and the ledger, in one transaction.

    manifest  from pipeline/load/load.py: load_id, source, and the files of each table in the form that the engine's variant
              reads. Run the macro through `./inv load`; on its own it does not check the manifest.
#}
{% macro load(manifest) %}
    {% do create_landed_tables() %}
    {% do adapter.dispatch('load', 'sparkify')(manifest) %}
{% endmacro %}


{% macro default__load(manifest) %}
    {% do exceptions.raise_compiler_error("load is not implemented for the adapter " ~ adapter.type()) %}
{% endmacro %}


{#
    The last check before a load commits: each of its files has rows of only one load in the warehouse, even if the
    ledger has changed since the load was planned. incoming is the temporary table with its files.
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
    Record what is built before it is tested. The row becomes current only if record_run still finds it: a dbt command
    that writes models in the meantime deletes it (outdate_runs). From now on no earlier run counts, because its tests
    may have been different.
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
    Record that the tests have passed, for readers to query and for pipeline/run/run.py to compare with the next run, and
    log "recorded". Nothing is logged if models were written since begin_tests. Rows stored by earlier tests are
    deleted.
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
    A dbt command that writes models invalidates the recorded runs both when it begins and when it ends, because a run
    may have tested the tables in between.
#}
{% macro outdate_runs() %}
    {% if execute and flags.WHICH in ('run', 'build', 'seed') %}
        {% do forget_tests() %}
    {% endif %}
{% endmacro %}


{# No recorded run stays current, and record_run will not find a run whose tests are in progress. #}
{% macro forget_tests() %}
    {% set history = source('landed', 'run_history') %}
    {% do run_query("delete from " ~ history ~ " where not is_current and project_fingerprint = ''") %}
    {% do run_query("update " ~ history ~ " set is_current = false where is_current") %}
{% endmacro %}


{# A text as an SQL literal. #}
{% macro literal(text) -%}
    {{ return(dbt.string_literal(dbt.escape_single_quotes(text))) }}
{%- endmacro %}


{# Several texts as SQL literals, separated by commas. #}
{% macro literals(texts) -%}
    {%- for text in texts %}{{ literal(text) }}{{ ", " if not loop.last }}{% endfor -%}
{%- endmacro %}
