with listeners as (

    select
        coalesce(level, 'unknown') as level,
        user_id,
        sum(play_count) as plays,
        sum(listening_seconds) as listening_seconds
    from {{ ref('daily_listening') }}
    group by coalesce(level, 'unknown'), user_id

),

all_listeners as (

    select count(distinct user_id) as listeners from listeners

)

select
    listeners.level,
    sum(listeners.plays) as plays,
    count(*) as listeners,
    sum(listeners.listening_seconds) as listening_seconds,
    all_listeners.listeners as listeners_of_all_levels
from listeners
cross join all_listeners
group by listeners.level, all_listeners.listeners
order by listeners.level
