-- Every song or artist that is not in the catalogue has a play.
select
    'song' as member,
    songs.song_id as member_id
from {{ ref('songs') }} as songs
left join {{ ref('songplays') }} as songplays
    on songs.song_id = songplays.song_id
where not songs.is_catalogued and songplays.song_id is null

union all

select
    'artist' as member,
    artists.artist_id as member_id
from {{ ref('artists') }} as artists
left join {{ ref('songplays') }} as songplays
    on artists.artist_id = songplays.artist_id
where not artists.is_catalogued and songplays.artist_id is null
