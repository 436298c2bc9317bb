with totals as (

    select
        song_id,
        artist_id,
        sum(play_count) as plays
    from weekly_song_plays
    group by song_id, artist_id

)

select
    songs.title,
    artists.name as artist,
    songs.is_catalogued,
    totals.plays
from totals
inner join songs on totals.song_id = songs.song_id
inner join artists on totals.artist_id = artists.artist_id
order by totals.plays desc, songs.title, artists.name, songs.song_id
limit 10
