{{ config(dist='user_id', sort='week_start', unique_key='user_id') }}

with plays as (

    select * from {{ ref('songplays') }}
    where {{ in_new_loads() }}

),

user_weeks as (

    select
        user_id,
        cast({{ dbt.date_trunc('week', 'start_time') }} as date) as week_start,
        max(load_id) as load_id,
        true as is_new
    from plays
    group by user_id, cast({{ dbt.date_trunc('week', 'start_time') }} as date)
    {%- if is_incremental() %}

    union all

    select
        user_id,
        week_start,
        load_id,
        false as is_new
    from {{ this }}
    where user_id in (select user_id from plays)
    {%- endif %}

),

{# An existing week keeps its load, unless the user turns out to have begun earlier. #}
merged as (

    select
        user_id,
        week_start,
        min(min(week_start)) over (partition by user_id) as cohort_week,
        min(min(case when not is_new then week_start end)) over (partition by user_id) as known_cohort_week,
        max(max(case when is_new then load_id end)) over (partition by user_id) as new_load_id,
        max(case when is_new then load_id end) as week_load_id,
        max(case when not is_new then load_id end) as known_load_id
    from user_weeks
    group by user_id, week_start

),

final as (

    select
        user_id,
        week_start,
        cohort_week,
        case
            when known_cohort_week > cohort_week then new_load_id
            else coalesce(known_load_id, week_load_id)
        end as load_id
    from merged

)

select * from final
