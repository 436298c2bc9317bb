{#
    Redshift reads the files through COPY, which names them in a manifest and takes the keys in the order of a JSONPaths
    file. COPY cannot write a literal such as the load's id, so it fills a temporary table. TRUNCATE would commit the
    transaction; nothing here needs it.
#}
{% macro redshift__load(manifest) %}
    {% do run_query("begin") %}
    {% for table_name, input in manifest.tables.items() %}
        {% set columns = json_columns(table_name) %}
        {% do run_query(redshift__create_loading_table(columns)) %}
        {% for copy in input.copies %}
            {% do run_query(redshift__copy_records(columns, copy, input.jsonpaths, manifest)) %}
        {% endfor %}
        {% do run_query(redshift__insert_records(table_name, columns, manifest.load_id)) %}
        {% do run_query("drop table loading_records") %}
    {% endfor %}
    {% do run_query(redshift__copy_ledger(manifest)) %}
    {% do run_query("commit") %}
{% endmacro %}


{% macro redshift__create_loading_table(columns) %}
    create temporary table loading_records (
        {%- for column in columns %}
        {{ adapter.quote(column.name) }} {{ column.data_type }}{{ " not null" if column.not_null }}
        {{- "," if not loop.last }}
        {%- endfor %}
    )
{% endmacro %}


{% macro redshift__copy_records(columns, copy, jsonpaths, manifest) %}
    copy loading_records (
        {%- for column in columns %}
        {{ adapter.quote(column.name) }}{{ "," if not loop.last }}
        {%- endfor %}
    )
    from {{ redshift__literal(copy.manifest) }}
    iam_role {{ redshift__literal(manifest.copy_role_arn) }}
    region {{ redshift__literal(manifest.region) }}
    manifest
    {{ "gzip" if copy.is_gzip }}
    json {{ redshift__literal(jsonpaths) }}
    maxerror 0
{% endmacro %}


{% macro redshift__insert_records(table_name, columns, load_id) %}
    insert into {{ source('landed', table_name) }}
    select
        {%- for column in columns %}
        {{ adapter.quote(column.name) }},
        {%- endfor %}
        {{ redshift__literal(load_id) }},
        cast(null as varchar(1024))
    from loading_records
{% endmacro %}


{# Rows of a single file are not counted: COPY reports the lines that it scanned, which is another number. #}
{% macro redshift__copy_ledger(manifest) %}
    copy {{ source('landed', 'load_history') }} (
        load_id, source, file_key, table_name, size_bytes, modified_at, etag, loaded_at
    )
    from {{ redshift__literal(manifest.ledger) }}
    iam_role {{ redshift__literal(manifest.copy_role_arn) }}
    region {{ redshift__literal(manifest.region) }}
    json 'auto'
    timeformat 'auto'
    maxerror 0
{% endmacro %}


{% macro redshift__literal(text) -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(text)) }}
{%- endmacro %}
