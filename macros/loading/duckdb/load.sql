{#
    DuckDB reads the files itself. Each table's part of the manifest has two lists:

    files   big files by compression, read in place and in parallel. Any doubtful value stops the statement; the caller
            then loads again with every file in lines, to find out what is wrong and where, if anything.
    lines   an NDJSON file of the small files, one object for each of their lines: file_number, line_number, raw.
            Opening 15,000 files takes DuckDB far longer than reading their contents.
#}
{% macro duckdb__load(manifest) %}
    {% do run_query("begin") %}
    {% do run_query(duckdb__stage_manifest_files(manifest)) %}
    {% do run_query(duckdb__create_problems()) %}
    {% for table_name, input in manifest.tables.items() if input.lines %}
        {% do run_query(duckdb__stage_lines(table_name, input.lines)) %}
        {% do run_query(duckdb__refuse_repeated_keys(table_name)) %}
        {% do run_query(duckdb__insert_problems(table_name)) %}
    {% endfor %}
    {% do duckdb__refuse_bad_records(manifest) %}
    {% for statement in replace_files(manifest, "loading_files") if manifest.replaces or manifest.outgoing %}
        {% do run_query(statement) %}
    {% endfor %}
    {% for table_name, input in manifest.tables.items() %}
        {% if input.lines %}
            {% do run_query(duckdb__insert_lines(table_name, manifest.load_id)) %}
            {% do run_query(duckdb__insert_rejects(table_name, manifest)) %}
        {% endif %}
        {% for compression, files in input.files.items() %}
            {% do run_query(
                duckdb__insert_files(table_name, json_columns(table_name), manifest.load_id, compression, files)
            ) %}
        {% endfor %}
        {% do run_query(duckdb__insert_ledger(table_name, manifest)) %}
        {% do duckdb__refuse_uncounted_rows(table_name, manifest.load_id) %}
    {% endfor %}
    {% do duckdb__refuse_uncounted_records(manifest.load_id) %}
    {% do refuse_files_loaded_twice(manifest, "loading_files") %}
    {% do run_query("commit") %}
{% endmacro %}


{#
    The files of the load. record_count: the records that Python counted in the file; path: where a big file is read
    from.
#}
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
            content_hash: 'varchar',
            record_count: 'bigint',
            path: 'varchar'
        }
    )
{% endmacro %}


{#
    The lines of the small files with the values of their records, still as text. problem: what is wrong with the line
    as a whole; flaw: what Python found in its text; shape: a hash of the record's keys.
#}
{% macro duckdb__stage_lines(table_name, path) %}
    create or replace temporary table loading_records_{{ table_name }} as
    with lines as (
        select
            * exclude (problem),
            case
                when problem is not null then problem
                when not json_valid(raw) then 'malformed JSON'
                when json_type(raw) <> 'OBJECT' then 'not a JSON object'
                else flaw.reason
            end as problem
        from read_json(
            {{ literal(path) }},
            format = 'newline_delimited',
            maximum_object_size = 134217728,
            columns = {
                file_number: 'bigint',
                line_number: 'bigint',
                problem: 'varchar',
                flaw: 'struct(json_key varchar, "value" varchar, reason varchar)',
                raw: 'varchar'
            }
        )
    )

    select
        file_number,
        line_number,
        raw,
        problem,
        flaw,
        case when problem is null then hash(json_keys(raw)) end as shape,
        case when problem is null then json_transform(raw, '{
            {%- for column in json_columns(table_name) -%}
            "{{ column.json_key }}":"VARCHAR"{{ "," if not loop.last }}
            {%- endfor -%}
        }') end as record
    from lines
{% endmacro %}


{#
    For a record that has the key of a column twice, record the first such key as its problem. Records have few distinct
    shapes, so one record of each shape is enough. DuckDB's reader of big files refuses such records itself.
#}
{% macro duckdb__refuse_repeated_keys(table_name) %}
    {%- set json_keys = json_columns(table_name) | map(attribute="json_key") | list -%}
    update loading_records_{{ table_name }} as records
    set problem = 'key given more than once', flaw = {json_key: repeated.json_key, 'value': null, reason: null}
    from (
        select shape, list_extract([{{ literals(json_keys) }}], min(position)) as json_key
        from (
            select shape, list_position([{{ literals(json_keys) }}], json_key) as position
            from (
                select shape, unnest(json_keys(any_value(raw))) as json_key
                from loading_records_{{ table_name }}
                where problem is null
                group by shape
            )
            group by shape, json_key
            having count(*) > 1
        )
        where position > 0
        group by shape
    ) as repeated
    where records.shape = repeated.shape
{% endmacro %}


{# Read every value as text: DuckDB's typed reader silently turns 3.7 into 4 and true into 1. #}
{% macro duckdb__insert_files(table_name, columns, load_id, compression, files) %}
    insert into {{ source('landed', table_name) }}
    select
        {%- for column in columns %}
        {%- set value = "records." ~ adapter.quote(column.json_key) %}
        case
            when {{ duckdb__problem(column, value) }} is null then {{ duckdb__typed(column, value) }}
            else cast(error('doubtful value') as {{ column.data_type }})
        end,
        {%- endfor %}
        {{ literal(load_id) }},
        loading_files.file_key
    from read_json(
        [
            {%- for file in files %}
            {{ literal(file) }}{{ "," if not loop.last }}
            {%- endfor %}
        ],
        format = 'newline_delimited',
        compression = {{ literal(compression) }},
        filename = true,
        hive_partitioning = false, -- a folder named page=Home must not override the records
        columns = {
            {%- for column in columns %}
            {{ adapter.quote(column.json_key) }}: 'varchar'{{ "," if not loop.last }}
            {%- endfor %}
        }
    ) as records
    inner join loading_files on records.filename = loading_files.path
{% endmacro %}


{% macro duckdb__insert_ledger(table_name, manifest) %}
    insert into {{ source('landed', 'load_history') }}
    with loaded as (
        select source_file, count(*) as row_count
        from {{ source('landed', table_name) }}
        where load_id = {{ literal(manifest.load_id) }}
        group by source_file
    ),

    rejected as (
        select file_key, count(*) as reject_count
        from {{ source('landed', 'load_rejects') }}
        where load_id = {{ literal(manifest.load_id) }}
        group by file_key
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
        coalesce(rejected.reject_count, 0),
        'loaded',
        cast({{ literal(manifest.loaded_at) }} as timestamp)
    from loading_files
    left join loaded on loading_files.file_key = loaded.source_file
    left join rejected on loading_files.file_key = rejected.file_key
    where loading_files.table_name = {{ literal(table_name) }}
{% endmacro %}
