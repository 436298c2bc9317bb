{#
    dbt-duckdb loads a seed with COPY and puts the file's path into the SQL unescaped: an apostrophe in the project's
    path would end the literal, and a bracket would be a pattern. dbt's default implementation sends the values.
#}
{% macro duckdb__load_csv_rows(model, agate_table) %}
    {{ return(default__load_csv_rows(model, agate_table)) }}
{% endmacro %}
