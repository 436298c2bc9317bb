select
    songplays.artist_id,
    songplays.song_id,
    songplays.user_id,
    count(*) as plays
from {{ ref('songplays') }} as songplays
inner join {{ ref('time') }} as start_times
    on songplays.start_time = start_times.start_time
where start_times.month = 11
group by songplays.artist_id, songplays.song_id, songplays.user_id
order by plays desc, songplays.song_id asc, songplays.user_id asc
limit 10
