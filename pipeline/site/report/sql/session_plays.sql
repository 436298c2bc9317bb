with sized as (

    select
        coalesce(level, 'unknown') as level,
        play_count,
        case
            when play_count <= 1 then play_count
            when play_count <= 5 then 2
            when play_count <= 10 then 6
            when play_count <= 20 then 11
            when play_count <= 50 then 21
            else 51
        end as plays_from
    from sessions

)

select
    plays_from,
    level,
    count(*) as sessions,
    sum(play_count) as plays,
    max(play_count) as most_plays
from sized
group by plays_from, level
order by plays_from, level
