with totals as (

    select
        artist_id,
        sum(play_count) as plays,
        count(distinct song_id) as songs
    from weekly_song_plays
    group by artist_id

)

select
    artists.name as artist,
    artists.is_catalogued,
    totals.plays,
    totals.songs
from totals
inner join artists on totals.artist_id = artists.artist_id
order by totals.plays desc, artists.name, artists.artist_id
limit 10
