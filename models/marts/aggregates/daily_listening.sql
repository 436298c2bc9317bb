{{ config(dist='user_id', sort='date_day') }}

with plays as (

    select * from {{ ref('songplays') }}

),

final as (

    select
        cast(start_time as date) as date_day,
        user_id,
        level,
        location,
        user_agent_id,
        count(*) as play_count,
        cast(sum(coalesce(song_duration, 0)) as numeric(18, 5)) as listening_seconds
    from plays
    group by cast(start_time as date), user_id, level, location, user_agent_id

)

select * from final
