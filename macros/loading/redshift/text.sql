{#
    Log the tables of a load with a line that COPY may change silently: U+0000 in a text, a repeated key, or an escape
    that could spell a letter of a key. A line that is cut may have one of these too. A false alarm costs the caller
    only a look at the files.

    JSON has U+0001 only as an escape, so the whole line is one field.
#}
{% macro find_suspicious_lines(manifest) %}
    {% set suspicious = [] %}
    {% do run_query(redshift__begin_lines(manifest)) %}
    {% for table_name, input in manifest.tables.items() %}
        {% for copy in input.copies %}
            {% do run_query(redshift__copy_lines(table_name, copy, manifest)) %}
        {% endfor %}
        {% set found = run_query(
            "select count(*) from looking_" ~ table_name ~ " where " ~ redshift__is_suspicious(table_name)
        ).rows[0][0] %}
        {% if found %}
            {% do suspicious.append(table_name) %}
        {% endif %}
    {% endfor %}
    {% do run_query("rollback") %}
    {% do log(tojson(suspicious), info=true) %}
{% endmacro %}


{% macro redshift__begin_lines(manifest) %}
    begin;
    {% for table_name in manifest.tables %}
    create temporary table looking_{{ table_name }} (line varchar(65535)){{ ";" if not loop.last }}
    {% endfor %}
{% endmacro %}


{% macro redshift__copy_lines(table_name, copy, manifest) %}
    copy looking_{{ table_name }}
    from {{ redshift__literal(copy.manifest) }}
    iam_role {{ redshift__literal(manifest.copy_role_arn) }}
    region {{ redshift__literal(manifest.region) }}
    manifest
    {{ copy.compression }}
    delimiter '\001'
    acceptinvchars '?'
    truncatecolumns
    ignoreblanklines
    maxerror 0
    compupdate off
    statupdate off
{% endmacro %}


{% macro redshift__is_suspicious(table_name) -%}
    octet_length(line) > 65535 - 4
    or strpos(line, chr(92) || 'u0000') > 0
    or regexp_count(line, '[^A-Za-z0-9]u00(3[0-9]|[4-7])') > 0
    {%- for column in json_columns(table_name) %}
    or regexp_count(line, {{ literal('"' ~ modules.re.sub('[^A-Za-z0-9_]', '.', column.json_key) ~ '"[[:space:]]*:') }}) > 1
    {%- endfor %}
{%- endmacro %}
