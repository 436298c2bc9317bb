select
    date_day,
    coalesce(level, 'unknown') as level,
    count(distinct user_id) as listeners
from daily_listening
group by date_day, coalesce(level, 'unknown')
order by date_day, level
