select
    coalesce(location, 'Unknown') as location,
    sum(play_count) as plays,
    count(distinct user_id) as listeners
from daily_listening
group by coalesce(location, 'Unknown')
order by plays desc, location
limit 10
