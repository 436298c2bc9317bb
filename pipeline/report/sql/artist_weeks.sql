with totals as (

    select
        artist_id,
        sum(play_count) as plays
    from weekly_song_plays
    group by artist_id

),

top_artists as (

    select
        artists.artist_id,
        artists.name as artist,
        totals.plays
    from totals
    inner join artists on totals.artist_id = artists.artist_id
    order by totals.plays desc, artists.name, artists.artist_id
    limit 10

)

select
    top_artists.artist_id,
    top_artists.artist,
    weekly_song_plays.week_start,
    top_artists.plays as plays_in_all,
    sum(weekly_song_plays.play_count) as plays
from top_artists
inner join weekly_song_plays on top_artists.artist_id = weekly_song_plays.artist_id
group by top_artists.artist, top_artists.artist_id, weekly_song_plays.week_start, top_artists.plays
order by top_artists.plays desc, top_artists.artist, top_artists.artist_id, weekly_song_plays.week_start
