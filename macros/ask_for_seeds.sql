{#
    `dbt run` does not load seeds, so on a warehouse that never had them it would fail halfway. `dbt build`, `./inv
    run`, `./inv load` and `./inv reset` do load them.
#}
{% macro ask_for_seeds() %}
    {% if execute and flags.WHICH == 'run' %}
        {% for node in graph.nodes.values() if node.resource_type == 'seed' %}
            {% if not adapter.get_relation(node.database, node.schema, node.alias) %}
                {% do exceptions.raise_compiler_error(
                    "The seed " ~ node.name ~ " is not in the warehouse yet. Create it with: dbt seed"
                ) %}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}
