-- dates has the day of every event.
select distinct cast(events.event_at as date) as event_day
from {{ ref('stg_events') }} as events
left join {{ ref('dates') }} as dates
    on cast(events.event_at as date) = dates.date_day
where dates.date_day is null
