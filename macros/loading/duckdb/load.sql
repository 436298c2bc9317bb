{#
    DuckDB reads the files itself. Each table's part of the manifest has two lists:

    files   big files, read in parallel where they are; any doubt about a value stops the statement. The caller then
            loads again with every file among the lines, which says what is wrong and where, or that nothing is.
    lines   an NDJSON file of the small ones, one object for each of their lines: file_number, line_number, raw.
            Opening 15,000 files costs DuckDB far more than reading what is in them.
#}
{% macro duckdb__load(manifest) %}
    {% do run_query("begin") %}
    {% do run_query(duckdb__stage_manifest_files(manifest)) %}
    {% for statement in replace_files(manifest, "loading_files") if manifest.replaces %}
        {% do run_query(statement) %}
    {% endfor %}
    {% for table_name, input in manifest.tables.items() %}
        {% set columns = json_columns(table_name) %}
        {% if input.lines %}
            {% do run_query(duckdb__stage_lines(input.lines, columns)) %}
            {% do duckdb__refuse_bad_lines(manifest, columns) %}
            {% do run_query(duckdb__insert_lines(table_name, columns, manifest.load_id)) %}
        {% endif %}
        {% if input.files %}
            {% do run_query(duckdb__insert_files(table_name, columns, manifest.load_id, input)) %}
        {% endif %}
        {% do run_query(duckdb__insert_ledger(table_name, manifest)) %}
        {% do duckdb__refuse_uncounted_rows(table_name, manifest.load_id) %}
    {% endfor %}
    {% do run_query("commit") %}
{% endmacro %}


{% macro duckdb__stage_manifest_files(manifest) %}
    create or replace temporary table loading_files as
    select *
    from read_json(
        {{ literal(manifest.files) }},
        format = 'newline_delimited',
        columns = {
            table_name: 'varchar',
            file_number: 'bigint',
            file_key: 'varchar',
            size_bytes: 'bigint',
            modified_at: 'timestamp',
            etag: 'varchar',
            content_hash: 'varchar'
        }
    )
{% endmacro %}


{# The lines of the small files, with what the record of each says, still as text. #}
{% macro duckdb__stage_lines(path, columns) %}
    create or replace temporary table loading_records as
    with lines as (
        select
            *,
            case
                when not is_utf8 then 'not UTF-8'
                when not json_valid(raw) then 'malformed JSON'
                when json_type(raw) <> 'OBJECT' then 'not a JSON object'
            end as problem
        from read_json(
            {{ literal(path) }},
            format = 'newline_delimited',
            maximum_object_size = 134217728,
            columns = {file_number: 'bigint', line_number: 'bigint', is_utf8: 'boolean', raw: 'varchar'}
        )
    )

    select
        file_number,
        line_number,
        raw,
        problem,
        case when problem is null then json_transform(raw, '{
            {%- for column in columns -%}
            "{{ column.json_key }}":"VARCHAR"{{ "," if not loop.last }}
            {%- endfor -%}
        }') end as record
    from lines
{% endmacro %}


{# Stop the load where a line cannot be loaded as it is; what and where is left in a file for the caller to show. #}
{% macro duckdb__refuse_bad_lines(manifest, columns) %}
    {% do run_query(duckdb__stage_problems(columns)) %}
    {% set count = run_query("select count(*) from loading_problems").columns[0].values()[0] %}
    {% if count %}
        {% do run_query("copy (" ~ duckdb__first_problems() ~ ") to " ~ literal(manifest.problems) ~ " (format json)") %}
        {% do exceptions.raise_compiler_error(count ~ " bad values; see " ~ manifest.problems) %}
    {% endif %}
{% endmacro %}


{% macro duckdb__stage_problems(columns) %}
    create or replace temporary table loading_problems as
    with problems as (
        select
            file_number,
            line_number,
            null as column_name,
            raw as bad_value,
            problem
        from loading_records
        {%- for column in columns %}
        union all
        select
            file_number,
            line_number,
            {{ literal(column.json_key) }} as column_name,
            {{ duckdb__record_value(column) }} as bad_value,
            {{ duckdb__problem(column, duckdb__record_value(column)) }} as problem
        from loading_records
        where problem is null
        {%- endfor %}
    )

    select * from problems
    where problem is not null
{% endmacro %}


{% macro duckdb__first_problems() %}
    select
        loading_files.file_key,
        problems.line_number,
        problems.column_name,
        left(problems.bad_value, 80) as bad_value,
        problems.problem,
        count(*) over () as problem_count
    from loading_problems as problems
    inner join loading_files on problems.file_number = loading_files.file_number
    order by loading_files.file_key, problems.line_number, problems.column_name
    limit 20
{% endmacro %}


{% macro duckdb__record_value(column) -%}
    record[{{ literal(column.json_key) }}]
{%- endmacro %}


{% macro duckdb__insert_lines(table_name, columns, load_id) %}
    insert into {{ source('landed', table_name) }}
    select
        {%- for column in columns %}
        {{ duckdb__typed(column, duckdb__record_value(column)) }},
        {%- endfor %}
        {{ literal(load_id) }},
        loading_files.file_key
    from loading_records
    inner join loading_files on loading_records.file_number = loading_files.file_number
{% endmacro %}


{# Every value is read as text: DuckDB's typed reader turns 3.7 into 4 and true into 1 and says nothing. #}
{% macro duckdb__insert_files(table_name, columns, load_id, input) %}
    insert into {{ source('landed', table_name) }}
    select
        {%- for column in columns %}
        {%- set value = adapter.quote(column.json_key) %}
        case
            when {{ duckdb__problem(column, value) }} is null then {{ duckdb__typed(column, value) }}
            else cast(error('doubtful value') as {{ column.data_type }})
        end,
        {%- endfor %}
        {{ literal(load_id) }},
        substring(filename, {{ input.root_length + 2 }})
    from read_json(
        [
            {%- for file in input.files %}
            {{ literal(file) }}{{ "," if not loop.last }}
            {%- endfor %}
        ],
        format = 'newline_delimited',
        filename = true,
        hive_partitioning = false, -- a folder called page=Home must not replace what the records say
        columns = {
            {%- for column in columns %}
            {{ adapter.quote(column.json_key) }}: 'varchar'{{ "," if not loop.last }}
            {%- endfor %}
        }
    )
{% endmacro %}


{# Every landed row of the load belongs to a file of its manifest. #}
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
        {% do exceptions.raise_compiler_error("rows of " ~ table_name ~ " came from no file of the load") %}
    {% endif %}
{% endmacro %}


{% macro duckdb__insert_ledger(table_name, manifest) %}
    insert into {{ source('landed', 'load_history') }}
    with loaded as (
        select source_file, count(*) as row_count
        from {{ source('landed', table_name) }}
        where load_id = {{ literal(manifest.load_id) }}
        group by source_file
    )

    select
        {{ literal(manifest.load_id) }},
        {{ literal(manifest.source) }},
        loading_files.file_key,
        loading_files.table_name,
        loading_files.size_bytes,
        loading_files.modified_at,
        loading_files.etag,
        loading_files.content_hash,
        coalesce(loaded.row_count, 0),
        0,
        'loaded',
        cast({{ literal(manifest.loaded_at) }} as timestamp)
    from loading_files
    left join loaded on loading_files.file_key = loaded.source_file
    where loading_files.table_name = {{ literal(table_name) }}
{% endmacro %}
