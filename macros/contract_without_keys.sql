{#
    On DuckDB a contract renders types and NOT NULL only: with a real foreign key the second `dbt run` cannot replace the
    table, a primary key makes inserts five times slower. Redshift gets the keys, for its planner. Both test them.
#}
{% macro duckdb__get_table_columns_and_constraints() -%}
    (
        {%- for column in model.columns.values() %}
        {{ adapter.quote(column.name) }} {{ column.data_type }}
        {{- " not null" if column.constraints | selectattr("type", "equalto", "not_null") | list }}
        {{- "," if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}
