{{ config(
    dist='user_id',
    sort='date_day',
    unique_key='user_id',
    meta={'range_column': 'date_day'},
) }}

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
        date_day,
        user_id,
        level,
        location,
        user_agent_id,
        play_count,
        listening_seconds
    from {{ this }}
    where
        {{ within_new('date_day', 'cast(start_time as date)', ref('songplays')) }}
        and user_id in (select user_id from plays)
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
