select
    weekly_retention.cohort_week,
    weekly_retention.week_number,
    weekly_retention.cohort_size,
    weekly_retention.listener_count,
    coalesce(dates.is_whole_week, false) as is_whole_week
from weekly_retention
left join dates on weekly_retention.week_start = dates.date_day
order by weekly_retention.cohort_week, weekly_retention.week_number
