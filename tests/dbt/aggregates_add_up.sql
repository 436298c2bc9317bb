-- Every aggregate counts each row of songplays once and has the same total seconds as songplays and sessions.
with plays as (

    select
        count(*) as play_count,
        sum(coalesce(song_duration, 0)) as listening_seconds
    from {{ ref('songplays') }}

),

aggregates as (

    select
        'daily_listening' as aggregate_name,
        sum(play_count) as play_count,
        sum(listening_seconds) as listening_seconds
    from {{ ref('daily_listening') }}

    union all

    select
        'weekly_song_plays' as aggregate_name,
        sum(play_count) as play_count,
        sum(listening_seconds) as listening_seconds
    from {{ ref('weekly_song_plays') }}

    union all

    select
        'sessions' as aggregate_name,
        sum(play_count) as play_count,
        sum(listening_seconds) as listening_seconds
    from {{ ref('sessions') }}

    union all

    select
        'hourly_plays' as aggregate_name,
        sum(play_count) as play_count,
        null as listening_seconds
    from {{ ref('hourly_plays') }}

)

select
    aggregates.aggregate_name,
    aggregates.play_count,
    plays.play_count as songplays,
    aggregates.listening_seconds,
    plays.listening_seconds as songplays_seconds
from aggregates
cross join plays
where
    coalesce(aggregates.play_count, 0) <> plays.play_count
    or aggregates.listening_seconds <> plays.listening_seconds
