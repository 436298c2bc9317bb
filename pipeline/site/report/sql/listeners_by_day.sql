with listeners as (

    select distinct
        date_day,
        coalesce(level, 'unknown') as level,
        user_id
    from daily_listening

),

on_level as (

    select
        date_day,
        level,
        count(*) as listeners
    from listeners
    group by date_day, level

),

on_day as (

    select
        date_day,
        count(distinct user_id) as listeners
    from listeners
    group by date_day

),

levels as (

    select distinct level from on_level

)

select
    dates.date_day,
    dates.is_whole_day,
    levels.level,
    coalesce(on_level.listeners, 0) as listeners,
    coalesce(on_day.listeners, 0) as listeners_of_all_levels
from dates
cross join levels
left join on_level
    on dates.date_day = on_level.date_day
    and levels.level = on_level.level
left join on_day on dates.date_day = on_day.date_day
order by dates.date_day, levels.level
