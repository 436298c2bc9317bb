with counted as (

    select
        user_id,
        sum(play_count) as plays,
        sum(listening_seconds) as listening_seconds,
        count(distinct date_day) as days
    from daily_listening
    group by user_id

)

select
    users.user_id,
    coalesce(users.level, 'unknown') as level,
    counted.plays,
    counted.listening_seconds,
    counted.days,
    count(*) over (partition by counted.plays) as listeners_with_as_many
from counted
inner join users on counted.user_id = users.user_id
order by counted.plays desc, users.user_id
limit 10
