{#
    Read access for analysts: SPARKIFY_READER names a user, role:NAME or group:NAME. The grants in dbt_project.yml cover
    tables. The reader also needs usage on the schemas, which is granted here, and so is the one table of staging that
    says whether the tests have passed.
#}
{% macro grant_reader_usage() %}
    {% if execute and env_var('SPARKIFY_READER', '') and flags.WHICH in ('run', 'build') %}
        {% do adapter.dispatch('grant_reader_usage', 'sparkify')(env_var('SPARKIFY_READER')) %}
    {% endif %}
{% endmacro %}


{% macro default__grant_reader_usage(reader) %}
    {% do exceptions.raise_compiler_error("grant_reader_usage is not implemented for the default adapter") %}
{% endmacro %}


{# A DuckDB file has no users: access to the file is access to the data. #}
{% macro duckdb__grant_reader_usage(reader) %}{% endmacro %}


{% macro redshift__grant_reader_usage(reader) %}
    {% for name in ('analytics', 'staging') %}
        {% do run_query("grant usage on schema " ~ adapter.quote(generate_schema_name(name, none)) ~ " to " ~ grantee(reader)) %}
    {% endfor %}
    {% do run_query("grant select on " ~ source('landed', 'run_history') ~ " to " ~ grantee(reader)) %}
{% endmacro %}


{# role:analysts becomes: role "analysts" #}
{% macro grantee(reader) -%}
    {%- set kind, _, name = reader.rpartition(':') -%}
    {%- if kind not in ('', 'user', 'role', 'group') or not modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_$.@-]{0,126}', name) -%}
        {% do exceptions.raise_compiler_error(
            "SPARKIFY_READER is '" ~ reader ~ "'; it must be the name of a user, role:NAME or group:NAME."
        ) %}
    {%- endif -%}
    {{ kind ~ " " if kind in ('role', 'group') }}"{{ name }}"
{%- endmacro %}
