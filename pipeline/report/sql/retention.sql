select
    cohort_week,
    week_number,
    cohort_size,
    listener_count
from weekly_retention
order by cohort_week, week_number
