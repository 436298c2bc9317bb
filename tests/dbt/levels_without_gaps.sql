-- A user's periods follow each other without gaps, each changes the level, and the last one is current.
with stretches as (

    select
        user_id,
        level,
        valid_from,
        valid_to,
        is_current,
        lead(valid_from) over (partition by user_id order by valid_from) as next_from,
        lead(level) over (partition by user_id order by valid_from) as next_level
    from {{ ref('user_levels') }}

)

select * from stretches
where
    coalesce(valid_to <> next_from, false)
    or (valid_to is null) <> (next_from is null)
    or is_current <> (valid_to is null)
    or level = next_level
