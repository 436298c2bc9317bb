with whole_days as (

    select
        date_day,
        weekday
    from dates
    where is_whole_day

),

weekdays as (

    select
        weekday,
        count(*) as days
    from whole_days
    group by weekday

),

counted as (

    select
        whole_days.weekday,
        cast(extract(hour from hourly_plays.play_hour) as integer) as hour,
        sum(hourly_plays.play_count) as plays
    from hourly_plays
    inner join whole_days on cast(hourly_plays.play_hour as date) = whole_days.date_day
    group by whole_days.weekday, cast(extract(hour from hourly_plays.play_hour) as integer)

)

select
    weekdays.weekday,
    weekdays.days,
    counted.hour,
    coalesce(counted.plays, 0) as plays
from weekdays
left join counted on weekdays.weekday = counted.weekday
order by weekdays.weekday, counted.hour
