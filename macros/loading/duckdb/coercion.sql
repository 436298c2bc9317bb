{#
    What a landed column takes, decided on the text of the JSON value. The same rules as COPY's on Redshift: an empty
    string in a column that is not text is NULL, 1540919166796.0 is an integer, a length counts bytes.
#}

{# An SQL expression: what is wrong with the value, or NULL. #}
{% macro duckdb__problem(column, value) -%}
    {%- set type = column.data_type -%}
    case
        {%- if column.not_null %}
        when {{ value }} is null{{ " or " ~ value ~ " = ''" if not type.startswith('varchar') }} then 'missing'
        {%- else %}
        when {{ value }} is null then null
        {%- endif %}
        {%- if type.startswith('varchar') %}
        when strlen({{ value }}) > {{ type[8:-1] }} then 'longer than {{ type[8:-1] }} bytes'
        {%- else %}
        when {{ value }} = '' then null
        {%- if column.range %}
        when try_cast({{ value }} as {{ type }}) not between {{ column.range[0] }} and {{ column.range[1] }}
            then 'not between {{ column.range[0] }} and {{ column.range[1] }}'
        {%- endif %}
        {%- if type in ('bigint', 'integer') %}
        when cast(try_cast({{ value }} as {{ type }}) as varchar) = {{ value }} then null
        {#- the slow test only where the digits do not come back as they were #}
        when try_cast({{ value }} as {{ type }}) is null
            or not regexp_full_match({{ value }}, '-?[0-9]+(\.0+)?') then 'not of type {{ type }}'
        {%- else %}
        when try_cast({{ value }} as {{ type }}) is null
            or not isfinite(try_cast({{ value }} as double)) then 'not of type {{ type }}'
        {%- endif %}
        {%- endif %}
    end
{%- endmacro %}


{# An SQL expression: the value in the column's type. Only for a value without a problem. #}
{% macro duckdb__typed(column, value) -%}
    {%- if column.data_type.startswith('varchar') -%}
        {{ value }}
    {%- else -%}
        cast(nullif({{ value }}, '') as {{ column.data_type }})
    {%- endif -%}
{%- endmacro %}
