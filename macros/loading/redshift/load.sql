{#
    Redshift reads the files with COPY, which finds them in a manifest and takes the keys in the order of a JSONPaths
    file. COPY cannot write a constant such as the load's id, so it fills temporary tables.

    Everything is in one transaction, and nothing is left of it if it fails; TRUNCATE would commit it. The adapter runs
    some failed statements again on a new connection, outside the transaction. The temporary tables are therefore
    created in the same call as BEGIN and read by every later statement, because they do not exist on a new connection.
#}
{% macro redshift__load(manifest) %}
    {% set copy_ids = {} %}
    {% for statement in redshift__load_statements(manifest) %}
        {% do run_query(statement) %}
        {% for table_name in manifest.tables if 'copy loading_' ~ table_name ~ ' (' in statement %}
            {% do copy_ids.setdefault(table_name, []).append(redshift__last_copy_id()) %}
        {% endfor %}
    {% endfor %}
    {% for table_name, input in manifest.tables.items() %}
        {% do redshift__refuse_values(table_name) %}
        {% do redshift__refuse_uncounted_records(table_name, input, copy_ids[table_name]) %}
    {% endfor %}
    {% do refuse_files_loaded_twice(manifest, "loading_ledger") %}
    {% do redshift__hold_run_lock(manifest.get("lock_token"), witness="loading_ledger") %}
    {% do run_query("commit") %}
{% endmacro %}


{# The statements of a load up to its checks and commit. `./inv load --dry-run` prints them. #}
{% macro redshift__load_statements(manifest) %}
    {% set statements = [redshift__begin(manifest)] %}
    {% for table_name, input in manifest.tables.items() %}
        {% set columns = json_columns(table_name) %}
        {% for copy in input.copies %}
            {% do statements.append(redshift__copy_records(table_name, columns, copy, input.jsonpaths, manifest)) %}
        {% endfor %}
        {% if input.broken %}
            {% do statements.append(redshift__delete_broken(table_name)) %}
        {% endif %}
        {% do statements.append(redshift__insert_records(table_name, columns, manifest.load_id)) %}
    {% endfor %}
    {% if manifest.rejects %}
        {% do statements.append(redshift__copy_rejects(manifest)) %}
        {% do statements.append(redshift__insert_rejects()) %}
    {% endif %}
    {% do statements.append(redshift__copy_ledger(manifest)) %}
    {% do statements.extend(replace_files(manifest, "loading_ledger") if manifest.replaces else []) %}
    {% do statements.append(redshift__insert_ledger()) %}
    {{ return(statements) }}
{% endmacro %}


{% macro redshift__begin(manifest) %}
    begin;
    {% for table_name in manifest.tables %}
    create temporary table loading_{{ table_name }} (
        {%- for column in json_columns(table_name) %}
        {{ adapter.quote(column.name) }} {{ column.data_type }}{{ " not null" if column.not_null }}
        {{- "," if not loop.last }}
        {%- endfor %}
    );
    {% endfor %}
    {% if manifest.rejects %}
    create temporary table loading_rejects (
        {%- for column in landed_source('load_rejects').columns.values() %}
        {{ adapter.quote(column.name) }} {{ column.data_type }}{{ " not null" if column.meta.get("not_null") }}
        {{- "," if not loop.last }}
        {%- endfor %}
    );
    {% endif %}
    create temporary table loading_ledger (
        {%- for column in landed_source('load_history').columns.values() if column.name in ledger_columns() %}
        {{ adapter.quote(column.name) }} {{ column.data_type }}{{ " not null" if column.meta.get("not_null") }}
        {{- "," if not loop.last }}
        {%- endfor %}
    )
{% endmacro %}


{% macro redshift__copy_records(table_name, columns, copy, jsonpaths, manifest) %}
    copy loading_{{ table_name }} (
        {%- for column in columns %}
        {{ adapter.quote(column.name) }}{{ "," if not loop.last }}
        {%- endfor %}
    )
    from {{ redshift__literal(copy.manifest) }}
    iam_role {{ redshift__literal(manifest.copy_role_arn) }}
    region {{ redshift__literal(manifest.region) }}
    manifest
    {{ copy.compression }}
    json {{ redshift__literal(jsonpaths) }}
    roundec
    maxerror {{ manifest.copy_max_errors }}
    compupdate off
    statupdate off
{% endmacro %}


{% macro redshift__insert_records(table_name, columns, load_id) %}
    insert into {{ source('landed', table_name) }}
    select
        {%- for column in columns %}
        {{ adapter.quote(column.name) }},
        {%- endfor %}
        {{ redshift__literal(load_id) }},
        cast(null as varchar(1024))
    from loading_{{ table_name }}
{% endmacro %}


{# The columns in the ledger's file; the other columns of load_history have no value here. #}
{% macro ledger_columns() %}
    {{ return([
        'load_id', 'source', 'file_key', 'table_name', 'size_bytes', 'modified_at', 'etag', 'rejected_count', 'status',
        'loaded_at',
    ]) }}
{% endmacro %}


{% macro redshift__copy_ledger(manifest) %}
    copy loading_ledger
    from {{ redshift__literal(manifest.ledger) }}
    iam_role {{ redshift__literal(manifest.copy_role_arn) }}
    region {{ redshift__literal(manifest.region) }}
    json 'auto'
    timeformat 'auto'
    maxerror 0
    compupdate off
    statupdate off
{% endmacro %}


{% macro redshift__insert_ledger() %}
    insert into {{ source('landed', 'load_history') }} ({{ ledger_columns() | join(', ') }})
    select {{ ledger_columns() | join(', ') }}
    from loading_ledger
{% endmacro %}


{# A text as a Redshift literal, in which a backslash is an escape. #}
{% macro redshift__literal(text) -%}
    {{ return(literal(text | replace('\\', '\\\\'))) }}
{%- endmacro %}


{# Log the statements of a load, for pipeline/load/redshift/copy.py to show. #}
{% macro log_load(manifest) %}
    {% for statement in redshift__load_statements(manifest) %}
        {% do log(statement, info=true) %}
    {% endfor %}
    {% do log("commit", info=true) %}
{% endmacro %}
