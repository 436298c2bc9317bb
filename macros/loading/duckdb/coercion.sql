{#
    The values that a landed column accepts, decided on the text of the JSON value. The rules are those of COPY on
    Redshift: an empty string in a column that is not text is NULL, 1540919166796.0 is an integer, and lengths are in
    bytes.
#}

{# An SQL expression: what is wrong with the value, or NULL. #}
{% macro duckdb__problem(column, value) -%}
    {%- set type = column.data_type -%}
    case
        {%- if column.not_null %}
        when {{ value }} is null or {{ value }} = '' then 'missing'
        {%- else %}
        when {{ value }} is null or {{ value }} = '' then null
        {%- endif %}
        {%- if type.startswith('varchar') %}
        when strlen({{ value }}) > {{ type[8:-1] }} then 'longer than {{ type[8:-1] }} bytes'
        {%- if column.accepted %}
        when {{ value }} not in ({{ column.accepted | map('tojson') | join(', ') | replace('"', "'") }})
            then 'not one of {{ column.accepted | join(", ") }}'
        {%- endif %}
        {%- else %}
        {#- test digits, which is slow, only if the cast does not give them back unchanged #}
        when try_cast({{ value }} as {{ type }}) is null
            {%- if type == 'double precision' %}
            or not isfinite(try_cast({{ value }} as {{ type }}))
            {%- endif %}
            or (
                cast(try_cast({{ value }} as {{ type }}) as varchar) <> {{ value }}
                and not regexp_full_match({{ value }}, {{ duckdb__number_pattern(type) }})
            )
            then 'not of type {{ type }}'
        {%- if column.range %}
        when try_cast({{ value }} as {{ type }}) not between {{ column.range[0] }} and {{ column.range[1] }}
            then {{ duckdb__out_of_range(column, value) }}
        {%- endif %}
        {%- endif %}
    end
{%- endmacro %}


{#
    An SQL expression: why a number is out of its column's range. Ranges of times are given in years, with the unit of
    time in which the number would be in range. pipeline/dbt/columns.py has the same in Python.
#}
{% macro duckdb__out_of_range(column, value) -%}
    {%- set least, most = column.range -%}
    {%- if column.unit == 'milliseconds' -%}
        {%- set epoch, milliseconds = modules.datetime.datetime(1970, 1, 1), modules.datetime.timedelta(milliseconds=1) -%}
        {%- set number = 'try_cast(' ~ value ~ ' as ' ~ column.data_type ~ ')' -%}
        'not between {{ (epoch + least * milliseconds).year }} and {{ (epoch + most * milliseconds).year }} in milliseconds'
        || case
            when {{ number }} between {{ least // 1000 }} and {{ most // 1000 }} then '; looks like seconds'
            when {{ number }} between {{ least * 1000 }} and {{ most * 1000 }} then '; looks like microseconds'
            when {{ number }} between {{ least * 1000000 }} and {{ most * 1000000 }} then '; looks like nanoseconds'
            else ''
        end
    {%- else -%}
        'not between {{ least }} and {{ most }}'
    {%- endif -%}
{%- endmacro %}


{# The pattern of a number in JSON; the fraction of an integer must be zero. #}
{% macro duckdb__number_pattern(type) -%}
    {%- if type in ('bigint', 'integer') -%}
        '-?[0-9]+(\.0+)?'
    {%- else -%}
        '-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?'
    {%- endif -%}
{%- endmacro %}


{# An SQL expression: the value in the column's type. Only for values without a problem. #}
{% macro duckdb__typed(column, value) -%}
    {%- if column.data_type.startswith('varchar') -%}
        {{ value }}
    {%- else -%}
        cast(nullif({{ value }}, '') as {{ column.data_type }})
    {%- endif -%}
{%- endmacro %}
