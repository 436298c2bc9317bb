with began_on_free as (

    select
        has_converted,
        coalesce(first_paid_at, '9999-12-31') as until,
        first_play_at,
        first_upgrade_visit_at,
        first_upgrade_submit_at
    from user_journeys
    where began_on_free

)

select
    count(*) as began_free,
    coalesce(sum(case when first_play_at < until then 1 else 0 end), 0) as played,
    coalesce(sum(case when first_upgrade_visit_at < until then 1 else 0 end), 0) as visited_upgrade,
    coalesce(sum(case when first_upgrade_submit_at < until then 1 else 0 end), 0) as submitted_upgrade,
    coalesce(sum(case when has_converted then 1 else 0 end), 0) as converted
from began_on_free
