{#
    Undo double encoding: UTF-8 that was twice read as Latin-1 and written as UTF-8 again, as in the player's log. ö (C3
    B6) arrives as Ã U+0083 Â ¶ (C3 83 C2 83 C3 82 C2 B6). Only whole sequences that decode to a character are replaced;
    other text, such as SÃO, is left unchanged.

    Neither engine has a Latin-1 decoder, so the macro works on the bytes in hex. Both variants use the same list of
    legal UTF-8 forms (no overlong forms, no surrogates, nothing above U+10FFFF).
#}
{% macro repair_text(text) -%}
    {{ return(adapter.dispatch('repair_text', 'sparkify')(text)) }}
{%- endmacro %}


{% macro default__repair_text(text) -%}
    {% do exceptions.raise_compiler_error("repair_text is not implemented for the default adapter") %}
{%- endmacro %}


{# A space after each byte keeps patterns from starting inside a byte. The lead byte loses 40 (hex). #}
{% macro duckdb__repair_text(text) -%}
    {%- set next = ' C3 82 C2 ' -%}
    {%- set any = '([89AB].)' -%}
    {%- set forms = [
        ('8([2-9A-F])' ~ next ~ any, 'C\\1 \\2'),
        ('9(.)' ~ next ~ any, 'D\\1 \\2'),
        ('A0' ~ next ~ '([AB].)' ~ next ~ any, 'E0 \\1 \\2'),
        ('A([1-9A-CEF])' ~ next ~ any ~ next ~ any, 'E\\1 \\2 \\3'),
        ('AD' ~ next ~ '([89].)' ~ next ~ any, 'ED \\1 \\2'),
        ('B0' ~ next ~ '([9AB].)' ~ next ~ any ~ next ~ any, 'F0 \\1 \\2 \\3'),
        ('B([1-3])' ~ next ~ any ~ next ~ any ~ next ~ any, 'F\\1 \\2 \\3 \\4'),
        ('B4' ~ next ~ '(8.)' ~ next ~ any ~ next ~ any, 'F4 \\1 \\2 \\3'),
    ] -%}
    {%- set chain = namespace(sql="regexp_replace(hex(" ~ text ~ "), '(..)', '\\1 ', 'g')") -%}
    {%- for pattern, replacement in forms -%}
        {%- set chain.sql = "regexp_replace(" ~ chain.sql ~ ", 'C3 83 C2 " ~ pattern ~ "', '" ~ replacement ~ "', 'g')" -%}
    {%- endfor -%}
    case
        when {{ text }} like '%Ã_Â%' then decode(from_hex(replace({{ chain.sql }}, ' ', '')))
        else {{ text }}
    end
{%- endmacro %}


{#
    Redshift documents no back-references in replacements, so the parts of a character to keep are in look-arounds
    (option p, PCRE): first the lead byte of each legal form, then the following bytes one by one. A pattern could start
    inside a byte only if the text has the byte 38, the digit 8, so that byte is replaced temporarily.
#}
{% macro redshift__repair_text(text) -%}
    {%- set next = 'C382C2' -%}
    {%- set any = next ~ '[89AB].' -%}
    {%- set forms = [
        ('C383C28(?=[2-9A-F]' ~ any ~ ')', 'C'),
        ('C383C29(?=.' ~ any ~ ')', 'D'),
        ('C383C2A(?=(0' ~ next ~ '[AB].|[1-9A-CEF]' ~ any ~ '|D' ~ next ~ '[89].)' ~ any ~ ')', 'E'),
        ('C383C2B(?=(0' ~ next ~ '[9AB].|[1-3]' ~ any ~ '|4' ~ next ~ '8.)' ~ any ~ any ~ ')', 'F'),
        ('(?<=[C-F].)' ~ next, ''),
        ('(?<=[EF].[89AB].)' ~ next, ''),
        ('(?<=F.[89AB].[89AB].)' ~ next, ''),
    ] -%}
    {%- set escaped = "replace(replace(" ~ text ~ ", chr(1), chr(1) || chr(2)), '8', chr(1) || chr(3))" -%}
    {%- set chain = namespace(sql="upper(from_varbyte(to_varbyte(" ~ escaped ~ ", 'utf8'), 'hex'))") -%}
    {%- for pattern, replacement in forms -%}
        {%- set chain.sql = "regexp_replace(" ~ chain.sql ~ ", '" ~ pattern ~ "', '" ~ replacement ~ "', 1, 'p')" -%}
    {%- endfor -%}
    case
        when {{ text }} like '%Ã_Â%'
            then replace(
                replace(from_varbyte(to_varbyte({{ chain.sql }}, 'hex'), 'utf8'), chr(1) || chr(3), '8'),
                chr(1) || chr(2), chr(1)
            )
        else {{ text }}
    end
{%- endmacro %}
