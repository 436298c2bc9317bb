select
    date_day,
    coalesce(level, 'unknown') as level,
    sum(play_count) as plays
from daily_listening
group by date_day, coalesce(level, 'unknown')
order by date_day, level
