{{ config(dist='user_id', sort='started_at') }}

{# A session goes on when somebody logs out; what happens then has no user and belongs to nobody's session. #}
with events as (

    select * from {{ ref('stg_events') }}
    where user_id is not null

),

numbered as (

    select
        *,
        row_number() over (
            partition by user_id, session_id
            order by event_at, item_in_session
        ) as event_number
    from events

),

summed as (

    select
        {{ hash_key(['user_id', 'session_id']) }} as session_key,
        session_id,
        user_id,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        max(case when event_number = 1 then level end) as level,
        count(*) as event_count,
        cast(sum(case when is_play then 1 else 0 end) as bigint) as play_count,
        cast(
            sum(case when is_play then coalesce(song_duration, 0) else 0 end) as numeric(18, 5)
        ) as listening_seconds
    from numbered
    group by user_id, session_id

),

final as (

    select
        session_key,
        session_id,
        user_id,
        started_at,
        ended_at,
        level,
        event_count,
        play_count,
        listening_seconds,
        cast(
            {{ dbt.datediff('started_at', 'ended_at', 'second') }}
            as bigint
        ) as duration_seconds
    from summed

)

select * from final
