{#
    The incremental strategy of all models: the rows of a model's query take the place of those with the same unique_key. It
    is the adapters' delete+insert; where the model's meta names a range_column, only between its least and its greatest new
    value, as literals, so that the engines read only those blocks of the table.
#}
{% macro get_incremental_replace_sql(arguments) %}
    {% set predicates = [] %}
    {% set column = config.get('meta', {}).get('range_column') %}
    {% if column %}
        {% set bounds = run_query(
            "select cast(min(" ~ column ~ ") as varchar(64)), cast(max(" ~ column ~ ") as varchar(64)) from "
            ~ arguments.temp_relation
        ).rows[0] %}
        {% do predicates.append(
            "false" if bounds[0] is none else column ~ " between '" ~ bounds[0] ~ "' and '" ~ bounds[1] ~ "'"
        ) %}
    {% endif %}
    {{ return(get_delete_insert_merge_sql(
        arguments.target_relation, arguments.temp_relation, arguments.unique_key, arguments.dest_columns, predicates
    )) }}
{% endmacro %}
