{# The source with this name, as described in _sources.yml. #}
{% macro landed_source(table_name) %}
    {% for node in graph.sources.values() if node.source_name == 'landed' and node.name == table_name %}
        {{ return(node) }}
    {% endfor %}
    {% do exceptions.raise_compiler_error("_sources.yml has no landed table " ~ table_name) %}
{% endmacro %}


{# The columns of a landed table that come from the JSON, in order, with the checks on their values. #}
{% macro json_columns(table_name) %}
    {% set columns = [] %}
    {% for column in landed_source(table_name).columns.values() if column.meta.json_key %}
        {% do columns.append({
            "name": column.name,
            "data_type": column.data_type,
            "json_key": column.meta.json_key,
            "not_null": column.meta.get("not_null", false),
            "range": column.meta.get("range"),
            "unit": column.meta.get("unit"),
            "accepted": column.meta.get("accepted", []),
        }) %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}


{#
    Create the landed tables that do not exist. The types in _sources.yml are valid on both engines. Nothing here may
    open a transaction, as adapter.create_schema and adapter.get_relation do, because the load has its own.
#}
{% macro create_landed_tables() %}
    {% if execute and flags.WHICH not in ('compile', 'generate') %} {# these render hooks but must not write #}
        {% for node in graph.sources.values() if node.source_name == 'landed' %}
            {% set relation = source('landed', node.name) %}
            {% if loop.first %}
                {% do run_query("create schema if not exists " ~ relation.without_identifier().include(database=false)) %}
            {% endif %}
            {% do run_query(landed_table_ddl(relation, node)) %}
        {% endfor %}
    {% endif %}
{% endmacro %}


{% macro landed_table_ddl(relation, node) %}
    create table if not exists {{ relation }} (
        {%- for column in node.columns.values() %}
        {{ adapter.quote(column.name) }} {{ column.data_type }}{{ " not null" if column.meta.get("not_null") }}
        {{- "," if not loop.last }}
        {%- endfor %}
    )
{% endmacro %}
