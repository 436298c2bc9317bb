{# The UTC timestamp of milliseconds since 1970. #}
{% macro from_epoch_ms(milliseconds) -%}
    {{ return(adapter.dispatch('from_epoch_ms', 'sparkify')(milliseconds)) }}
{%- endmacro %}


{% macro default__from_epoch_ms(milliseconds) -%}
    {% do exceptions.raise_compiler_error("from_epoch_ms is not implemented for the default adapter") %}
{%- endmacro %}


{% macro duckdb__from_epoch_ms(milliseconds) -%}
    make_timestamp({{ milliseconds }} * 1000)
{%- endmacro %}


{# dateadd takes integers, which milliseconds since 1970 overflow: add days, then the milliseconds of the day. #}
{% macro redshift__from_epoch_ms(milliseconds) -%}
    dateadd(
        millisecond,
        cast({{ milliseconds }} % 86400000 as integer),
        dateadd(day, cast({{ milliseconds }} / 86400000 as integer), cast('1970-01-01' as timestamp))
    )
{%- endmacro %}
