select
    extract(hour from hourly_plays.play_hour) as hour,
    sum(hourly_plays.play_count) as plays
from {{ ref('hourly_plays') }} as hourly_plays
inner join {{ ref('dates') }} as dates on cast(hourly_plays.play_hour as date) = dates.date_day
where dates.is_whole_day
group by extract(hour from hourly_plays.play_hour)
order by hour
