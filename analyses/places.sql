select
    location,
    sum(play_count) as plays,
    count(distinct user_id) as listeners
from {{ ref('daily_listening') }}
group by location
order by plays desc, location asc
limit 10
