{#
    Rows leave the landed tables in two cases: a load is undone, or files are loaded again. Both empty build_history in the
    same transaction, which has every model built again from what is landed, and no earlier run counts as complete.

    On Redshift every statement reads a temporary table that was made in one call with BEGIN (see redshift/load.sql).
#}

{# Take the rows of a load away, for `invoke load.undo`. A load that is not there, or has no rows any more, changes nothing. #}
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
    What a load sends before it writes its own ledger entries, where files of it are loaded already. incoming is the
    temporary table with its files. A row that does not know its file, as none does on Redshift, goes with its load: all
    files of such a load are among the incoming ones (pipeline/reload.py).
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


{# The simulated sample gives way to the first source of one's own, in the transaction that loads from that. #}
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


{# Statements that have everything built again. witness is a temporary table with rows where anything was taken away. #}
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
