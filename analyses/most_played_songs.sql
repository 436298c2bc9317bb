with plays as (

    select
        song_id,
        artist_id,
        sum(play_count) as plays
    from {{ ref('weekly_song_plays') }}
    group by song_id, artist_id

),

named as (

    select
        songs.title,
        artists.name as artist,
        sum(plays.plays) as plays,
        max(case when songs.is_catalogued then 1 else 0 end) = 1 as is_catalogued
    from plays
    inner join {{ ref('songs') }} as songs on plays.song_id = songs.song_id
    inner join {{ ref('artists') }} as artists on plays.artist_id = artists.artist_id
    group by songs.title, artists.name

)

select
    title,
    artist,
    plays,
    is_catalogued,
    count(*) over (partition by plays) as songs_with_as_many
from named
order by plays desc, title asc, artist asc
limit 10
