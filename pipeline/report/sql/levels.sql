select
    coalesce(level, 'unknown') as level,
    sum(play_count) as plays,
    count(distinct user_id) as listeners,
    sum(listening_seconds) as listening_seconds
from daily_listening
group by coalesce(level, 'unknown')
order by level
