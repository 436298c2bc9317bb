{#
    What incremental models ask about the loads that they do not contain yet. All of it is queried before the model
    runs.
#}

{#
    A condition for rows of the new loads. The load ids are listed one by one, so that the engines can skip blocks of
    other loads. All rows if the model is rebuilt.
#}
{% macro in_new_loads(column='load_id') -%}
    {%- if not is_incremental() -%}
        true
    {%- else -%}
        {{ in_loads(build_state().new_loads, column) }}
    {%- endif -%}
{%- endmacro %}


{# The same for models on landed tables, which must not take rows of loads that arrived after the dbt run began. #}
{% macro in_new_landed_loads() -%}
    {%- if is_incremental() or model.resource_type != 'model' -%}
        {{ in_new_loads() }}
    {%- else -%}
        load_id in ({{ landed_loads() }})
    {%- endif -%}
{%- endmacro %}


{% macro in_loads(loads, column='load_id') -%}
    {%- if loads -%}
        {{ column }} in ({{ literals(loads) }})
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}


{# Whether the new loads have brought new or changed songs to the catalogue. #}
{% macro has_new_songs(loads) %}
    {% set songs = graph.nodes['model.sparkify.stg_songs'].relation_name %}
    {{ return(loads and has_rows("select 1 from " ~ songs ~ " where " ~ in_loads(loads))) }}
{% endmacro %}


{#
    A condition on a column of the existing rows: between the lowest and the highest value of an expression in the new
    loads' rows of a relation. The bounds are literals, so that the engines can skip blocks.
#}
{% macro within_new(column, expression, relation) -%}
    {{ between_ends_of(column, expression, relation ~ " where " ~ in_new_loads()) }}
{%- endmacro %}


{% macro between_ends_of(column, expression, rows) -%}
    {%- set ends = run_query(
        "select cast(min(" ~ expression ~ ") as varchar(64)), cast(max(" ~ expression ~ ") as varchar(64)) from " ~ rows
    ).rows[0] -%}
    {{ "false" if ends[0] is none else column ~ " between '" ~ ends[0] ~ "' and '" ~ ends[1] ~ "'" }}
{%- endmacro %}


{#
    SQL for the users with late events: events in a new load that are not later than all events of the user in the
    model. last_column is the model's column with the user's last event.
#}
{% macro late_users(last_column) -%}
    select new_events.user_id
    from {{ ref('stg_events') }} as new_events
    inner join {{ this }} as known on new_events.user_id = known.user_id
    where new_events.{{ in_new_loads() }}
    group by new_events.user_id
    having min(new_events.event_at) <= max(known.{{ last_column }})
{%- endmacro %}


{% macro has_late_users(last_column) %}
    {{ return(is_incremental() and build_state().new_loads and has_rows(late_users(last_column))) }}
{% endmacro %}


{% macro has_rows(sql) %}
    {{ return(run_query("select count(*) from (select 1 as found from (" ~ sql ~ ") as asked limit 1) as found")
        .columns[0].values()[0] > 0) }}
{% endmacro %}


{# The first value that a query returns, as text; none if it is NULL. #}
{% macro query_value(sql) %}
    {% set value = run_query(sql).columns[0].values()[0] %}
    {{ return(none if value is none else value | string) }}
{% endmacro %}
