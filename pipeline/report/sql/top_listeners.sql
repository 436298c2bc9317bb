select
    users.user_id,
    coalesce(users.level, 'unknown') as level,
    sum(daily_listening.play_count) as plays,
    sum(daily_listening.listening_seconds) as listening_seconds,
    count(distinct daily_listening.date_day) as days,
    count(*) over (partition by sum(daily_listening.play_count)) as listeners_with_as_many
from daily_listening
inner join users on daily_listening.user_id = users.user_id
group by users.user_id, coalesce(users.level, 'unknown')
order by plays desc, users.user_id
limit 10
