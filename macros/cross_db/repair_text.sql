{#
    Undo double encoding: UTF-8 that was twice read as Latin-1 and written as UTF-8 again, as the player's log does it.
    ö (C3 B6) arrives as Ã U+0083 Â ¶ (C3 83 C2 83 C3 82 C2 B6). Only whole sequences that decode to a character are
    replaced; all other text, such as SÃO, stays as it is.

    Neither engine has a Latin-1 decoder, so it is done on the bytes in hex, one space after each to keep them aligned.
#}
{% macro repair_text(text) -%}
    {{ return(adapter.dispatch('repair_text', 'sparkify')(text)) }}
{%- endmacro %}


{% macro default__repair_text(text) -%}
    {% do exceptions.raise_compiler_error("repair_text is not implemented for the default adapter") %}
{%- endmacro %}


{% macro duckdb__repair_text(text) -%}
    case
        when {{ text }} like '%Ã_Â%' then decode(from_hex(replace(
            {{- undo_double_encoding("regexp_replace(hex(" ~ text ~ "), '(..)', '\\1 ', 'g')", '\\', ", 'g'") -}}
        , ' ', '')))
        else {{ text }}
    end
{%- endmacro %}


{% macro redshift__repair_text(text) -%}
    case
        when {{ text }} like '%Ã_Â%' then from_varbyte(from_hex(replace(
            {{- undo_double_encoding(
                "regexp_replace(upper(to_hex(to_varbyte(" ~ text ~ ", 'utf8'))), '(..)', '$1 ')", '$', ''
            ) -}}
        , ' ', '')), 'utf8')
        else {{ text }}
    end
{%- endmacro %}


{#
    One replacement for each form of a UTF-8 character that is legal (no overlong form, no surrogate, nothing above
    U+10FFFF). The first byte of the character loses 40 (hex) on the way, the bytes after it nothing.
#}
{% macro undo_double_encoding(spaced_hex, reference, flags) -%}
    {%- set next = ' C3 82 C2 ' -%}
    {%- set any = '([89AB].)' -%}
    {%- set forms = [
        ('8([2-9A-F])' ~ next ~ any, 'C@1 @2'),
        ('9(.)' ~ next ~ any, 'D@1 @2'),
        ('A0' ~ next ~ '([AB].)' ~ next ~ any, 'E0 @1 @2'),
        ('A([1-9A-CEF])' ~ next ~ any ~ next ~ any, 'E@1 @2 @3'),
        ('AD' ~ next ~ '([89].)' ~ next ~ any, 'ED @1 @2'),
        ('B0' ~ next ~ '([9AB].)' ~ next ~ any ~ next ~ any, 'F0 @1 @2 @3'),
        ('B([1-3])' ~ next ~ any ~ next ~ any ~ next ~ any, 'F@1 @2 @3 @4'),
        ('B4' ~ next ~ '(8.)' ~ next ~ any ~ next ~ any, 'F4 @1 @2 @3'),
    ] -%}
    {%- set chain = namespace(sql=spaced_hex) -%}
    {%- for pattern, replacement in forms -%}
        {%- set chain.sql = "regexp_replace(" ~ chain.sql ~ ", 'C3 83 C2 " ~ pattern ~ "', '"
            ~ replacement.replace('@', reference) ~ "'" ~ flags ~ ")" -%}
    {%- endfor -%}
    {{ chain.sql }}
{%- endmacro %}
