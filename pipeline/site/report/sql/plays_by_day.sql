with counted as (

    select
        date_day,
        coalesce(level, 'unknown') as level,
        sum(play_count) as plays
    from daily_listening
    group by date_day, coalesce(level, 'unknown')

),

levels as (

    select distinct level from counted

)

select
    dates.date_day,
    dates.is_whole_day,
    levels.level,
    coalesce(counted.plays, 0) as plays
from dates
cross join levels
left join counted
    on dates.date_day = counted.date_day
    and levels.level = counted.level
order by dates.date_day, levels.level
