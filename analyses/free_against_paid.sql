select
    level,
    sum(play_count) as plays,
    count(distinct user_id) as listeners,
    sum(listening_seconds) as listening_seconds
from {{ ref('daily_listening') }}
group by level
order by level
