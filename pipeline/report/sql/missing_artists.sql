select
    artists.name as artist,
    artists.is_catalogued,
    sum(weekly_song_plays.play_count) as plays,
    count(distinct weekly_song_plays.song_id) as songs
from weekly_song_plays
inner join songs on weekly_song_plays.song_id = songs.song_id
inner join artists on weekly_song_plays.artist_id = artists.artist_id
where not songs.is_catalogued
group by artists.name, artists.is_catalogued, artists.artist_id
order by plays desc, artists.name, artists.artist_id
limit 10
