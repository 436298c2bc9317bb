{#
    The schemas are named staging and analytics. Developers who set SPARKIFY_SCHEMA get their own pair, with that
    prefix. The sources' schema in models/staging/_sources.yml follows the same rule (macros cannot be called there).
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set schema = custom_schema_name or 'analytics' -%}
    {%- if target.schema == 'analytics' -%}
        {{ schema | trim }}
    {%- else -%}
        {{ target.schema }}_{{ schema | trim }}
    {%- endif -%}
{%- endmacro %}
