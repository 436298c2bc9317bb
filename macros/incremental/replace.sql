{#
    The incremental strategy of all models: the rows of a model's query take the place of those with the same unique_key. It
    is the adapters' delete+insert. Where the model's meta names a range_column, it is all rows with the key between that
    column's least and greatest new value, as literals, so that the engines read only those blocks of the table.
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
