{#
    Rows are removed from the landed tables in two cases: a load is undone, or files are loaded again. Both empty
    build_history in the same transaction, so that every model is rebuilt from what is landed and no earlier run counts
    as complete.

    On Redshift every statement reads a temporary table that was created in the same call as BEGIN (see
    redshift/load.sql).
#}

{# Remove the rows of a load, for `./inv load.undo`. Does nothing if there is no such load or it has no rows left. #}
{% macro undo_load(load_id, lock_token=none) %}
    {% do run_query(begin_undo(load_id)) %}
    {% for table_name in tables_of_files() %}
        {% do run_query(
            "delete from " ~ source('landed', table_name) ~ " where load_id in (select load_id from undoing)"
        ) %}
    {% endfor %}
    {% do run_query(
        "update " ~ source('landed', 'load_history') ~ " set status = 'undone' where status = 'loaded' "
        ~ "and load_id in (select load_id from undoing)"
    ) %}
    {% for statement in forget_builds("undoing") %}
        {% do run_query(statement) %}
    {% endfor %}
    {% do hold_run_lock(lock_token, witness="undoing") %}
    {% do run_query("drop table undoing") %}
    {% do run_query("commit") %}
{% endmacro %}


{% macro begin_undo(load_id) %}
    begin;
    create temporary table undoing as
    select distinct load_id
    from {{ source('landed', 'load_history') }}
    where
        load_id = {{ literal(load_id) }}
        and status = 'loaded'
{% endmacro %}


{#
    Sent before a load writes its own ledger entries, if some of its files are already loaded. incoming is the temporary
    table with its files. Rows that do not record their file, as on Redshift, are removed with their whole load: all
    files of such a load are among the incoming ones (pipeline/load/reload.py).
#}
{% macro replace_files(manifest, incoming) %}
    {% set incoming_files %}(select file_key from {{ incoming }}){% endset %}
    {% set loaded %}status = 'loaded' and source = {{ literal(manifest.source) }} and file_key in {{ incoming_files }}{% endset %}
    {% set statements = [] %}
    {% for table_name in tables_of_files() %}
        {% do statements.append(
            "delete from " ~ source('landed', table_name) ~ "\n"
            ~ "where load_id in (select load_id from " ~ source('landed', 'load_history') ~ " where " ~ loaded ~ ")\n"
            ~ "and (source_file is null or source_file in " ~ incoming_files ~ ")"
        ) %}
    {% endfor %}
    {% do statements.append(
        "update " ~ source('landed', 'load_history') ~ " set status = 'replaced' where " ~ loaded
    ) %}
    {% if manifest.outgoing %}
        {% do statements.extend(take_source_away(manifest.outgoing)) %}
    {% endif %}
    {{ return(statements + forget_builds(incoming)) }}
{% endmacro %}


{# Remove the simulated sample when you load your first own source, in the same transaction. #}
{% macro take_source_away(source_name) %}
    {% set loaded %}status = 'loaded' and source = {{ literal(source_name) }}{% endset %}
    {% set statements = [] %}
    {% for table_name in tables_of_files() %}
        {% do statements.append(
            "delete from " ~ source('landed', table_name) ~ " where load_id in (select load_id from "
            ~ source('landed', 'load_history') ~ " where " ~ loaded ~ ")"
        ) %}
    {% endfor %}
    {% do statements.append(
        "update " ~ source('landed', 'load_history') ~ " set status = 'replaced' where " ~ loaded
    ) %}
    {{ return(statements) }}
{% endmacro %}


{# Statements that cause everything to be rebuilt. witness is a temporary table with rows if anything was removed. #}
{% macro forget_builds(witness) %}
    {{ return([
        "delete from " ~ source('landed', 'build_history') ~ " where (select count(*) from " ~ witness ~ ") > 0",
        "update " ~ source('landed', 'run_history') ~ " set is_current = false where is_current "
        ~ "and (select count(*) from " ~ witness ~ ") > 0",
    ]) }}
{% endmacro %}


{# The landed tables whose rows come from files. #}
{% macro tables_of_files() %}
    {% set names = [] %}
    {% for node in graph.sources.values() if node.source_name == 'landed' and 'source_file' in node.columns %}
        {% do names.append(node.name) %}
    {% endfor %}
    {{ return(names | sort) }}
{% endmacro %}
