{{ config(dist='user_id', sort='date_day', unique_key=['date_day', 'user_id']) }}

with plays as (

    select * from {{ ref('songplays') }}
    where {{ in_new_loads() }}

),

counted as (

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
    {%- if is_incremental() %}

    union all

    select
        known.date_day,
        known.user_id,
        known.level,
        known.location,
        known.user_agent_id,
        known.play_count,
        known.listening_seconds
    from {{ this }} as known
    inner join (select distinct cast(start_time as date) as date_day, user_id from plays) as touched
        on known.date_day = touched.date_day
        and known.user_id = touched.user_id
    {%- endif %}

),

final as (

    select
        date_day,
        user_id,
        level,
        location,
        user_agent_id,
        cast(sum(play_count) as bigint) as play_count,
        cast(sum(listening_seconds) as numeric(18, 5)) as listening_seconds
    from counted
    group by date_day, user_id, level, location, user_agent_id

)

select * from final
