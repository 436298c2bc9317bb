{#
    Drop this target's schemas and create the landed tables again, for `./inv reset`, which asks first. Everything is in
    one transaction, including the named sources, which are kept.
#}
{% macro drop_warehouse(sources=[]) %}
    {% do run_query("begin") %}
    {% for name in ('analytics', 'test_failures', 'staging') %}
        {% do run_query("drop schema if exists " ~ adapter.quote(generate_schema_name(name, none)) ~ " cascade") %}
    {% endfor %}
    {% do create_landed_tables() %}
    {% for source_name in sources %}
        {% do run_query(
            "insert into " ~ source('landed', 'named_sources') ~ " values (" ~ literal(source_name) ~ ", 1)"
        ) %}
    {% endfor %}
    {% do run_query("commit") %}
{% endmacro %}
