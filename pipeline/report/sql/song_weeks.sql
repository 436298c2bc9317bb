with totals as (

    select
        song_id,
        artist_id,
        sum(play_count) as plays
    from weekly_song_plays
    group by song_id, artist_id

),

top_songs as (

    select
        songs.song_id,
        songs.title,
        artists.name as artist,
        totals.artist_id,
        totals.plays
    from totals
    inner join songs on totals.song_id = songs.song_id
    inner join artists on totals.artist_id = artists.artist_id
    order by totals.plays desc, songs.title, artists.name, songs.song_id
    limit 10

)

select
    top_songs.song_id,
    top_songs.title,
    top_songs.artist,
    weekly_song_plays.week_start,
    top_songs.plays as plays_in_all,
    sum(weekly_song_plays.play_count) as plays
from top_songs
inner join weekly_song_plays
    on top_songs.song_id = weekly_song_plays.song_id
    and top_songs.artist_id = weekly_song_plays.artist_id
group by top_songs.title, top_songs.artist, top_songs.song_id, weekly_song_plays.week_start, top_songs.plays
order by top_songs.plays desc, top_songs.title, top_songs.artist, top_songs.song_id, weekly_song_plays.week_start
