with daily_plays as (

    select
        date_day,
        sum(play_count) as plays
    from {{ ref('daily_listening') }}
    group by date_day

)

select
    dates.weekday,
    count(*) as days,
    coalesce(sum(daily_plays.plays), 0) as plays,
    round(1.0 * coalesce(sum(daily_plays.plays), 0) / count(*), 1) as plays_per_day
from {{ ref('dates') }} as dates
left join daily_plays on dates.date_day = daily_plays.date_day
where dates.is_whole_day
group by dates.weekday
order by dates.weekday
