select
    cast(date_trunc('week', later.valid_from) as date) as week_start,
    later.level as to_level,
    count(*) as changes
from user_levels as earlier
inner join user_levels as later
    on earlier.user_id = later.user_id
    and earlier.valid_to = later.valid_from
group by cast(date_trunc('week', later.valid_from) as date), later.level
order by week_start, to_level
