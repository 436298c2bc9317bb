select
    cast(date_trunc('week', valid_from) as date) as week_start,
    level as to_level,
    count(*) as changes
from user_levels
where previous_level is not null
group by cast(date_trunc('week', valid_from) as date), level
order by week_start, to_level
