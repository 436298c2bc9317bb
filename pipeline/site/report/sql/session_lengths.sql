with sized as (

    select
        coalesce(level, 'unknown') as level,
        duration_seconds,
        event_count,
        case
            when duration_seconds < 60 then 0
            when duration_seconds < 300 then 1
            when duration_seconds < 900 then 5
            when duration_seconds < 1800 then 15
            when duration_seconds < 3600 then 30
            when duration_seconds < 7200 then 60
            else 120
        end as minutes_from
    from sessions

)

select
    minutes_from,
    level,
    count(*) as sessions,
    sum(duration_seconds) as duration_seconds,
    max(duration_seconds) as most_seconds,
    sum(case when event_count = 1 then 1 else 0 end) as single_event_sessions
from sized
group by minutes_from, level
order by minutes_from, level
