with counted as (

    select
        location,
        sum(play_count) as plays,
        count(distinct user_id) as listeners
    from {{ ref('daily_listening') }}
    group by location

),

totals as (

    select
        sum(plays) as plays_of_all_places,
        sum(case when location is null then plays else 0 end) as plays_of_unknown_place
    from counted

)

select
    counted.location,
    counted.plays,
    counted.listeners,
    count(*) over (partition by counted.plays) as places_with_as_many,
    totals.plays_of_all_places,
    totals.plays_of_unknown_place
from counted
cross join totals
where counted.location is not null
order by counted.plays desc, counted.location asc
limit 10
