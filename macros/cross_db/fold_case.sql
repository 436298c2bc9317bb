{#
    The form of a name that two spellings share: without spaces around it, without case. The letters whose lower case
    the engines disagree on are mapped first.
#}
{% macro fold_case(text) -%}
    lower(translate(trim({{ text }}), 'İẞΣς', 'ißσσ'))
{%- endmacro %}
