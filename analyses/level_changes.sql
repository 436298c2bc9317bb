select
    user_id,
    previous_level as from_level,
    level as to_level,
    valid_from as changed_at
from {{ ref('user_levels') }}
where previous_level is not null
order by valid_from, user_id
