select
    cast(extract(dow from play_hour) as integer) as weekday,
    cast(extract(hour from play_hour) as integer) as hour,
    sum(play_count) as plays
from hourly_plays
group by cast(extract(dow from play_hour) as integer), cast(extract(hour from play_hour) as integer)
order by weekday, hour
