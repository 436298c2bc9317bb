{# A stored failure is a table of rows to look at; what a test that passed has stored is an empty one in the way. #}
{% macro drop_stored_passes(results) %}
    {% for result in results if result.node.resource_type == 'test' and result.status == 'pass' %}
        {% if result.node.config.store_failures %}
            {% do run_query("drop table if exists " ~ result.node.relation_name) %}
        {% endif %}
    {% endfor %}
{% endmacro %}
