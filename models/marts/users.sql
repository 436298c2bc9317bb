{{ config(dist='all') }}

with events as (

    select * from {{ ref('stg_events') }}
    where user_id is not null

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
        user_id,
        first_name,
        last_name,
        gender,
        level,
        registered_at,
        first_seen_at,
        last_seen_at
    from numbered
    where recency = 1

)

select * from final
