select
    songs.is_catalogued,
    sum(weekly_song_plays.play_count) as plays,
    count(distinct weekly_song_plays.song_id) as song_ids
from {{ ref('weekly_song_plays') }} as weekly_song_plays
inner join {{ ref('songs') }} as songs on weekly_song_plays.song_id = songs.song_id
group by songs.is_catalogued
order by songs.is_catalogued
