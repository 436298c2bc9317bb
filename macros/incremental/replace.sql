{#
    The incremental strategy of all models: rows of the model's query replace the rows with the same unique_key, as in
    the adapters' delete+insert. If the model's meta has a range_column, only rows between the lowest and highest new
    value of that column are replaced. The bounds are literals, so that the engines read only those blocks.
#}
{% macro get_incremental_replace_sql(arguments) %}
    {% set predicates = [] %}
    {% set column = config.get('meta', {}).get('range_column') %}
    {% if column %}
        {% do predicates.append(between_ends_of(column, column, arguments.temp_relation)) %}
    {% endif %}
    {{ return(get_delete_insert_merge_sql(
        arguments.target_relation, arguments.temp_relation, arguments.unique_key, arguments.dest_columns, predicates
    )) }}
{% endmacro %}
