with counted as (

    select
        songs.title,
        artists.name as artist,
        weekly_song_plays.week_start,
        sum(weekly_song_plays.play_count) as plays
    from weekly_song_plays
    inner join songs on weekly_song_plays.song_id = songs.song_id
    inner join artists on weekly_song_plays.artist_id = artists.artist_id
    group by songs.title, artists.name, weekly_song_plays.week_start

),

top_songs as (

    select
        title,
        artist,
        sum(plays) as plays
    from counted
    group by title, artist
    order by plays desc, title, artist
    limit 10

),

weeks as (

    select distinct
        week_start,
        is_whole_week
    from dates

)

select
    top_songs.title,
    top_songs.artist,
    weeks.week_start,
    weeks.is_whole_week,
    top_songs.plays as plays_in_all,
    coalesce(counted.plays, 0) as plays
from top_songs
cross join weeks
left join counted
    on top_songs.title = counted.title
    and top_songs.artist = counted.artist
    and weeks.week_start = counted.week_start
order by top_songs.plays desc, top_songs.title, top_songs.artist, weeks.week_start
