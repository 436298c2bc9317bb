{{ config(dist='user_id', sort='user_id', unique_key='user_id') }}

with events as (

    select * from {{ ref('stg_events') }}
    where user_id is not null and {{ in_new_loads() }}

),

{# Only minima and sums, so new events can be merged into existing rows. #}
summed as (

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
    {%- if is_incremental() %}

    union all

    select
        user_id,
        first_free_at,
        first_paid_at,
        first_play_at,
        first_upgrade_visit_at,
        first_upgrade_submit_at,
        first_downgrade_submit_at,
        upgrade_submit_count,
        downgrade_submit_count
    from {{ this }}
    where user_id in (select user_id from events)
    {%- endif %}

),

firsts as (

    select
        user_id,
        min(first_free_at) as first_free_at,
        min(first_paid_at) as first_paid_at,
        min(first_play_at) as first_play_at,
        min(first_upgrade_visit_at) as first_upgrade_visit_at,
        min(first_upgrade_submit_at) as first_upgrade_submit_at,
        min(first_downgrade_submit_at) as first_downgrade_submit_at,
        cast(sum(upgrade_submit_count) as bigint) as upgrade_submit_count,
        cast(sum(downgrade_submit_count) as bigint) as downgrade_submit_count
    from summed
    group by user_id

),

final as (

    select
        user_id,
        first_free_at,
        first_paid_at,
        first_play_at,
        first_upgrade_visit_at,
        first_upgrade_submit_at,
        first_downgrade_submit_at,
        upgrade_submit_count,
        downgrade_submit_count,
        first_free_at is not null and (first_paid_at is null or first_free_at < first_paid_at) as began_on_free,
        first_free_at is not null and coalesce(first_free_at < first_paid_at, false) as has_converted
    from firsts

)

select * from final
