select
    weekly_song_plays.week_start,
    sum(weekly_song_plays.play_count) as plays,
    sum(case when songs.is_catalogued then weekly_song_plays.play_count else 0 end) as catalogued_plays
from weekly_song_plays
inner join songs on weekly_song_plays.song_id = songs.song_id
group by weekly_song_plays.week_start
order by weekly_song_plays.week_start
