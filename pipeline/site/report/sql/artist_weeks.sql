with counted as (

    select
        artists.name as artist,
        weekly_song_plays.week_start,
        sum(weekly_song_plays.play_count) as plays
    from weekly_song_plays
    inner join artists on weekly_song_plays.artist_id = artists.artist_id
    group by artists.name, weekly_song_plays.week_start

),

top_artists as (

    select
        artist,
        sum(plays) as plays
    from counted
    group by artist
    order by plays desc, artist
    limit 10

),

weeks as (

    select distinct
        week_start,
        is_whole_week
    from dates

)

select
    top_artists.artist,
    weeks.week_start,
    weeks.is_whole_week,
    top_artists.plays as plays_in_all,
    coalesce(counted.plays, 0) as plays
from top_artists
cross join weeks
left join counted
    on top_artists.artist = counted.artist
    and weeks.week_start = counted.week_start
order by top_artists.plays desc, top_artists.artist, weeks.week_start
