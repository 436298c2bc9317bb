select
    songs.title,
    artists.name as artist,
    count(*) as plays
from {{ ref('songplays') }} as songplays
inner join {{ ref('songs') }} as songs on songplays.song_id = songs.song_id
inner join {{ ref('artists') }} as artists on songplays.artist_id = artists.artist_id
group by songs.title, artists.name
order by plays desc, songs.title asc, artists.name asc
limit 10
