select
    earlier.user_id,
    earlier.level as from_level,
    later.level as to_level,
    later.valid_from as changed_at
from {{ ref('user_levels') }} as earlier
inner join {{ ref('user_levels') }} as later
    on earlier.user_id = later.user_id
    and earlier.valid_to = later.valid_from
order by later.valid_from, earlier.user_id
