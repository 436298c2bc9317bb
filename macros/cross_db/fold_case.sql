{#
    The form of a name that all its spellings share: lower case, without surrounding spaces. Letters whose lower case
    differs between the engines are mapped first. A bare trim removes more than spaces on DuckDB.
#}
{% macro fold_case(text) -%}
    lower(translate(trim(both ' ' from {{ text }}), 'İẞΣς', 'ißσσ'))
{%- endmacro %}
