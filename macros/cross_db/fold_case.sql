{#
    The form of a name that two spellings share: without spaces around it, without case. The letters whose lower case
    the engines disagree on are mapped first; a bare trim takes more than spaces on DuckDB.
#}
{% macro fold_case(text) -%}
    lower(translate(trim(both ' ' from {{ text }}), 'İẞΣς', 'ißσσ'))
{%- endmacro %}
