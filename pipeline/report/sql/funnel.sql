with began_free as (

    select
        case when first_play_at is not null then 1 else 0 end as played,
        case when first_upgrade_visit_at is not null then 1 else 0 end as visited,
        case when first_upgrade_submit_at is not null then 1 else 0 end as submitted,
        case when first_paid_at is not null then 1 else 0 end as paid
    from user_journeys
    where first_free_at is not null and (first_paid_at is null or first_free_at < first_paid_at)

)

select
    count(*) as began_free,
    coalesce(sum(played), 0) as played,
    coalesce(sum(played * visited), 0) as visited_upgrade,
    coalesce(sum(played * visited * submitted), 0) as submitted_upgrade,
    coalesce(sum(played * visited * submitted * paid), 0) as became_paid
from began_free
