{# Record a source before anything is loaded from it (pipeline/warehouse/sources.py). One statement, so that it is atomic. #}
{% macro remember_source(source_name) %}
    {% do create_landed_tables() %}
    {% do run_query("begin") %}
    {% do run_query(
        "insert into " ~ source('landed', 'named_sources')
        ~ " select cast(" ~ literal(source_name) ~ " as varchar(1024)), coalesce(max(naming_number), 0) + 1 from "
        ~ source('landed', 'named_sources')
    ) %}
    {% do run_query("commit") %}
{% endmacro %}
