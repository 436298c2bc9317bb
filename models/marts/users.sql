{{ config(dist='all', unique_key='user_id') }}

{%- set has_late_users = has_late_users('last_seen_at') %}

{# The new events of each user; all events of users with a late one. #}
with events as (

    select * from {{ ref('stg_events') }}
    where
        user_id is not null
        and (
            {{ in_new_loads() }}
            {%- if has_late_users %}
            or user_id in ({{ late_users('last_seen_at') }})
            {%- endif %}
        )

),

numbered as (

    select
        user_id,
        first_name,
        last_name,
        gender,
        level,
        registered_at,
        min(event_at) over (partition by user_id) as first_seen_at,
        event_at as last_seen_at,
        row_number() over (
            partition by user_id
            order by event_at desc, session_id desc, item_in_session desc
        ) as recency
    from events

),

final as (

    select
        numbered.user_id,
        numbered.first_name,
        numbered.last_name,
        numbered.gender,
        numbered.level,
        numbered.registered_at,
        {% if is_incremental() -%}
            least(known.first_seen_at, numbered.first_seen_at) as first_seen_at,
        {% else -%}
            numbered.first_seen_at,
        {% endif -%}
        numbered.last_seen_at
    from numbered
    {% if is_incremental() -%}
        left join {{ this }} as known on numbered.user_id = known.user_id
    {% endif -%}
    where numbered.recency = 1

)

select * from final
