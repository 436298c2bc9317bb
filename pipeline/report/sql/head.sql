with listening as (

    select
        coalesce(sum(play_count), 0) as plays,
        count(distinct user_id) as listeners,
        coalesce(sum(listening_seconds), 0) as listening_seconds,
        coalesce(sum(case when level = 'paid' then play_count else 0 end), 0) as paid_plays
    from daily_listening

),

music as (

    select
        count(distinct song_id) as songs,
        count(distinct artist_id) as artists
    from weekly_song_plays

),

visits as (

    select count(*) as sessions
    from sessions
    where play_count > 0

)

select
    listening.plays,
    listening.listeners,
    listening.listening_seconds,
    listening.paid_plays,
    music.songs,
    music.artists,
    visits.sessions
from listening
cross join music
cross join visits
