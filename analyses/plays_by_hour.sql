select
    start_times.hour,
    count(*) as plays
from {{ ref('songplays') }} as songplays
inner join {{ ref('time') }} as start_times
    on songplays.start_time = start_times.start_time
group by start_times.hour
order by start_times.hour
