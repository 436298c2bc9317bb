with listening as (

    select
        coalesce(sum(play_count), 0) as plays,
        count(distinct user_id) as listeners,
        coalesce(sum(listening_seconds), 0) as listening_seconds
    from daily_listening

),

heard as (

    select distinct
        songs.title,
        artists.name as artist
    from weekly_song_plays
    inner join songs on weekly_song_plays.song_id = songs.song_id
    inner join artists on weekly_song_plays.artist_id = artists.artist_id

),

music as (

    select
        count(*) as songs,
        count(distinct artist) as artists
    from heard

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
    music.songs,
    music.artists,
    visits.sessions
from listening
cross join music
cross join visits
