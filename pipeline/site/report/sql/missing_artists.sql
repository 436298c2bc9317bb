with missing as (

    select
        artists.name as artist,
        max(case when artists.is_catalogued then 1 else 0 end) = 1 as is_catalogued,
        sum(weekly_song_plays.play_count) as plays,
        count(distinct songs.title) as songs
    from weekly_song_plays
    inner join songs on weekly_song_plays.song_id = songs.song_id
    inner join artists on weekly_song_plays.artist_id = artists.artist_id
    where not songs.is_catalogued
    group by artists.name

)

select
    artist,
    is_catalogued,
    plays,
    songs,
    count(*) over (partition by plays) as artists_with_as_many
from missing
order by plays desc, artist
limit 10
