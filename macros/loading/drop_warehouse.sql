{# Drop this target's schemas and make the landed tables anew. For `invoke reset`, which asks first. #}
{% macro drop_warehouse() %}
    {% for name in ('analytics', 'test_failures', 'staging') %}
        {% do run_query("drop schema if exists " ~ adapter.quote(generate_schema_name(name, none)) ~ " cascade") %}
    {% endfor %}
    {% do create_landed_tables() %}
{% endmacro %}
