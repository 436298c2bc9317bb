{{ config(dist='user_id', sort=['user_id', 'valid_from']) }}

with events as (

    select * from {{ ref('stg_events') }}
    where user_id is not null and level is not null

),

{# Of two events in the same millisecond the later one tells. #}
moments as (

    select
        user_id,
        event_at,
        level,
        row_number() over (
            partition by user_id, event_at
            order by session_id desc, item_in_session desc
        ) as recency
    from events

),

changes as (

    select
        user_id,
        event_at,
        level,
        lag(level) over (partition by user_id order by event_at) as level_before
    from moments
    where recency = 1

),

stretches as (

    select
        user_id,
        level,
        level_before as previous_level,
        event_at as valid_from,
        lead(event_at) over (partition by user_id order by event_at) as valid_to
    from changes
    where level_before is null or level_before <> level

),

final as (

    select
        user_id,
        level,
        valid_from,
        valid_to,
        valid_to is null as is_current,
        previous_level
    from stretches

)

select * from final
