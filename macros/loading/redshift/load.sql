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
        {% do redshift__refuse_values_out_of_range(columns) %}
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
    from {{ literal(copy.manifest) }}
    iam_role {{ literal(manifest.copy_role_arn) }}
    region {{ literal(manifest.region) }}
    manifest
    {{ "gzip" if copy.is_gzip }}
    json {{ literal(jsonpaths) }}
    roundec
    maxerror 0
{% endmacro %}


{# COPY knows types, not ranges. #}
{% macro redshift__refuse_values_out_of_range(columns) %}
    {% for column in columns if column.range %}
        {% set outside %}
            select count(*)
            from loading_records
            where {{ adapter.quote(column.name) }} not between {{ column.range[0] }} and {{ column.range[1] }}
        {% endset %}
        {% set count = run_query(outside).columns[0].values()[0] %}
        {% if count %}
            {% do exceptions.raise_compiler_error(
                count ~ " values of " ~ column.json_key ~ " are not between " ~ column.range[0] ~ " and " ~ column.range[1]
            ) %}
        {% endif %}
    {% endfor %}
{% endmacro %}


{% macro redshift__insert_records(table_name, columns, load_id) %}
    insert into {{ source('landed', table_name) }}
    select
        {%- for column in columns %}
        {{ adapter.quote(column.name) }},
        {%- endfor %}
        {{ literal(load_id) }},
        cast(null as varchar(1024))
    from loading_records
{% endmacro %}


{# Rows of a single file are not counted: COPY reports the lines that it scanned, which is another number. #}
{% macro redshift__copy_ledger(manifest) %}
    copy {{ source('landed', 'load_history') }} (
        load_id, source, file_key, table_name, size_bytes, modified_at, etag, loaded_at
    )
    from {{ literal(manifest.ledger) }}
    iam_role {{ literal(manifest.copy_role_arn) }}
    region {{ literal(manifest.region) }}
    json 'auto'
    timeformat 'auto'
    maxerror 0
{% endmacro %}
