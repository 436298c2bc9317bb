{#
    COPY checks types; the other rules for values are in _sources.yml. pipeline/load/redshift/rules.py applies the same rules
    to the records in the files, to find the records that these statements count.
#}

{# A condition for rows whose value breaks the column's rule; empty if the column has none. #}
{% macro redshift__broken_rule(column) -%}
    {%- set name = adapter.quote(column.name) -%}
    {%- if column.range -%}
        {{ name }} not between {{ column.range[0] }} and {{ column.range[1] }}
    {%- elif column.accepted -%}
        {#- only LIKE takes trailing blanks into account -#}
        ({{ name }} like '% ' or (
            {{ name }} <> '' and {{ name }} not in (
                {%- for value in column.accepted %}{{ literal(value) }}{{ ", " if not loop.last }}{% endfor -%}
            )
        ))
    {%- elif column.not_null and column.data_type.startswith('varchar') -%}
        octet_length({{ name }}) = 0
    {%- endif -%}
{%- endmacro %}


{# A condition for rows that break any rule of their table. #}
{% macro redshift__broken_rules(table_name) -%}
    {%- set conditions = [] -%}
    {%- for column in json_columns(table_name) -%}
        {%- set condition = redshift__broken_rule(column) -%}
        {%- if condition -%}{%- do conditions.append(condition) -%}{%- endif -%}
    {%- endfor -%}
    {{ conditions | join('\n    or ') }}
{%- endmacro %}


{% macro redshift__refuse_values(table_name) %}
    {% for column in json_columns(table_name) if redshift__broken_rule(column) %}
        {% set name = adapter.quote(column.name) %}
        {% set found = run_query(
            "select min(" ~ name ~ "), count(*) from loading_" ~ table_name ~ " where " ~ redshift__broken_rule(column)
        ).rows[0] %}
        {% if found[1] %}
            {% do exceptions.raise_compiler_error(
                "bad values: " ~ tojson({
                    "table_name": table_name, "json_key": column.json_key, "count": found[1] | int,
                    "value": found[0] | string,
                })
            ) %}
        {% endif %}
    {% endfor %}
{% endmacro %}
