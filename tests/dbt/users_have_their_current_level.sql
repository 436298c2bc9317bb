-- users.level is the level of the current stretch in user_levels.
select
    users.user_id,
    users.level,
    user_levels.level as current_level
from {{ ref('users') }} as users
inner join {{ ref('user_levels') }} as user_levels
    on users.user_id = user_levels.user_id
where user_levels.is_current and users.level <> user_levels.level
