{{ config(dist='user_id', sort='user_id') }}

with events as (

    select * from {{ ref('stg_events') }}
    where user_id is not null

),

{# Only least values and sums: what new events add can be merged into what is there. #}
final as (

    select
        user_id,
        min(case when level = 'free' then event_at end) as first_free_at,
        min(case when level = 'paid' then event_at end) as first_paid_at,
        min(case when is_play then event_at end) as first_play_at,
        min(case when page = 'Upgrade' then event_at end) as first_upgrade_visit_at,
        min(case when page = 'Submit Upgrade' then event_at end) as first_upgrade_submit_at,
        min(case when page = 'Submit Downgrade' then event_at end) as first_downgrade_submit_at,
        cast(sum(case when page = 'Submit Upgrade' then 1 else 0 end) as bigint) as upgrade_submit_count,
        cast(sum(case when page = 'Submit Downgrade' then 1 else 0 end) as bigint) as downgrade_submit_count
    from events
    group by user_id

)

select * from final
