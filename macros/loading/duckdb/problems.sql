{#
    The problems in the lines of a load. Up to manifest.max_errors bad records are skipped and kept in load_rejects. If
    there are more (by default, if there are any), the load stops and writes the first problems to a file for the caller
    to show.
#}
{% macro duckdb__create_problems() %}
    create or replace temporary table loading_problems (
        file_number bigint,
        line_number bigint,
        column_position integer,
        column_name varchar,
        bad_value varchar,
        problem varchar
    )
{% endmacro %}


{% macro duckdb__insert_problems(table_name) %}
    insert into loading_problems
    with problems as (
        select
            file_number,
            line_number,
            0 as column_position,
            flaw.json_key as column_name,
            left(case when flaw.json_key is null then raw else flaw.value end, 80) as bad_value,
            problem
        from loading_records_{{ table_name }}
        {%- for column in json_columns(table_name) %}
        union all
        select
            file_number,
            line_number,
            {{ loop.index }} as column_position,
            {{ literal(column.json_key) }} as column_name,
            left({{ duckdb__record_value(column) }}, 80) as bad_value,
            {{ duckdb__problem(column, duckdb__record_value(column)) }} as problem
        from loading_records_{{ table_name }}
        where problem is null
        {%- endfor %}
    )

    select * from problems
    where problem is not null
{% endmacro %}


{% macro duckdb__record_value(column) -%}
    record[{{ literal(column.json_key) }}]
{%- endmacro %}


{% macro duckdb__refuse_bad_records(manifest) %}
    {% set counted = run_query(
        "select count(*), count(distinct (file_number, line_number)) from loading_problems"
    ).rows[0] %}
    {% if counted[1] > manifest.max_errors %}
        {% do run_query(
            "copy (" ~ duckdb__first_problems(counted, manifest.max_errors) ~ ") to " ~ literal(manifest.problems)
            ~ " (format json)"
        ) %}
        {% do exceptions.raise_compiler_error(counted[0] ~ " bad values; see " ~ manifest.problems) %}
    {% endif %}
{% endmacro %}


{# A strict load reports every bad value, a tolerant load the first of each record. #}
{% macro duckdb__first_problems(counted, max_errors) %}
    select
        loading_files.file_key,
        problems.line_number,
        problems.column_name,
        problems.bad_value,
        problems.problem,
        {{ counted[0] | int }} as problem_count,
        {{ counted[1] | int }} as record_count
    from loading_problems as problems
    inner join loading_files on problems.file_number = loading_files.file_number
    {%- if max_errors %}
    qualify row_number() over (
        partition by problems.file_number, problems.line_number order by problems.column_position
    ) = 1
    {%- endif %}
    order by loading_files.file_key, problems.line_number, problems.column_position
    limit 20
{% endmacro %}


{# Lines longer than a Redshift column are cut in the same way as in pipeline/load/rejects.py. #}
{% macro duckdb__insert_rejects(table_name, manifest) %}
    insert into {{ source('landed', 'load_rejects') }}
    select
        {{ literal(manifest.load_id) }},
        {{ literal(manifest.source) }},
        loading_files.file_key,
        {{ literal(table_name) }},
        records.line_number,
        problems.column_name,
        case when strlen(records.raw) > 65535 then left(records.raw, 16383) else records.raw end,
        problems.problem
    from loading_problems as problems
    inner join loading_records_{{ table_name }} as records
        on problems.file_number = records.file_number
        and problems.line_number = records.line_number
    inner join loading_files on problems.file_number = loading_files.file_number
    qualify row_number() over (
        partition by problems.file_number, problems.line_number order by problems.column_position
    ) = 1
{% endmacro %}


{% macro duckdb__insert_lines(table_name, load_id) %}
    {%- set columns = json_columns(table_name) %}
    insert into {{ source('landed', table_name) }}
    select
        {%- for column in columns %}
        {{ duckdb__typed(column, duckdb__record_value(column)) }},
        {%- endfor %}
        {{ literal(load_id) }},
        loading_files.file_key
    from loading_records_{{ table_name }} as records
    inner join loading_files on records.file_number = loading_files.file_number
    anti join loading_problems as problems
        on records.file_number = problems.file_number
        and records.line_number = problems.line_number
{% endmacro %}


{# Every landed row of the load belongs to a file in its manifest. #}
{% macro duckdb__refuse_uncounted_rows(table_name, load_id) %}
    {% set difference %}
        select
            (select count(*) from {{ source('landed', table_name) }} where load_id = {{ literal(load_id) }})
            - (
                select coalesce(sum(row_count), 0) from {{ source('landed', 'load_history') }}
                where load_id = {{ literal(load_id) }} and table_name = {{ literal(table_name) }}
            )
    {% endset %}
    {% if run_query(difference).columns[0].values()[0] != 0 %}
        {% do exceptions.raise_compiler_error("rows of " ~ table_name ~ " belong to no file of the load") %}
    {% endif %}
{% endmacro %}


{# Every record that Python counted in a file is either a row or a reject. #}
{% macro duckdb__refuse_uncounted_records(load_id) %}
    {% set difference %}
        select
            loading_files.file_key,
            loading_files.record_count,
            history.row_count,
            history.rejected_count
        from {{ source('landed', 'load_history') }} as history
        inner join loading_files on history.file_key = loading_files.file_key
        where
            history.load_id = {{ literal(load_id) }}
            and loading_files.record_count <> history.row_count + history.rejected_count
        order by loading_files.file_key
        limit 1
    {% endset %}
    {% for found in run_query(difference).rows %}
        {% do exceptions.raise_compiler_error(
            "uncounted records: " ~ tojson({
                "file_key": found[0], "records": found[1] | int, "rows": found[2] | int, "rejects": found[3] | int,
            })
        ) %}
    {% endfor %}
{% endmacro %}
