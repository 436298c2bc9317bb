-- Each user with a known level has one current period in user_levels, and users has its level.
with current_levels as (

    select
        user_id,
        max(level) as level,
        count(*) as stretch_count
    from {{ ref('user_levels') }}
    where is_current
    group by user_id

)

select
    users.user_id,
    users.level,
    current_levels.level as current_level,
    current_levels.stretch_count
from {{ ref('users') }} as users
left join current_levels
    on users.user_id = current_levels.user_id
where
    users.level is not null
    and (current_levels.user_id is null or current_levels.level <> users.level or current_levels.stretch_count <> 1)
