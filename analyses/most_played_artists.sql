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
        artists.name as artist,
        sum(plays.plays) as plays,
        count(distinct songs.title) as songs
    from plays
    inner join {{ ref('songs') }} as songs on plays.song_id = songs.song_id
    inner join {{ ref('artists') }} as artists on plays.artist_id = artists.artist_id
    group by artists.name

)

select
    artist,
    plays,
    songs,
    count(*) over (partition by plays) as artists_with_as_many
from named
order by plays desc, artist asc
limit 10
