{# The digits at the start of a text, as text; NULL if there are none. #}
{% macro leading_number(text) -%}
    {{ return(adapter.dispatch('leading_number', 'sparkify')(text)) }}
{%- endmacro %}


{% macro default__leading_number(text) -%}
    {% do exceptions.raise_compiler_error("leading_number is not implemented for the default adapter") %}
{%- endmacro %}


{% macro duckdb__leading_number(text) -%}
    nullif(regexp_extract({{ text }}, '^[0-9]+'), '')
{%- endmacro %}


{% macro redshift__leading_number(text) -%}
    nullif(regexp_substr({{ text }}, '^[0-9]+'), '')
{%- endmacro %}
