{{ config(dist='all', sort='cohort_week') }}

with listening as (

    select * from {{ ref('daily_listening') }}

),

days as (

    select * from {{ ref('dates') }}

),

listener_weeks as (

    select distinct
        user_id,
        cast({{ dbt.date_trunc('week', 'date_day') }} as date) as week_start
    from listening

),

first_weeks as (

    select
        user_id,
        min(week_start) as cohort_week
    from listener_weeks
    group by user_id

),

cohorts as (

    select
        cohort_week,
        count(*) as cohort_size
    from first_weeks
    group by cohort_week

),

weeks as (

    select distinct cast({{ dbt.date_trunc('week', 'date_day') }} as date) as week_start
    from days

),

returns as (

    select
        first_weeks.cohort_week,
        listener_weeks.week_start,
        count(*) as listener_count
    from listener_weeks
    inner join first_weeks on listener_weeks.user_id = first_weeks.user_id
    group by first_weeks.cohort_week, listener_weeks.week_start

),

{# A week in which nobody of a cohort came back is a row of its own, with 0. #}
final as (

    select
        cohorts.cohort_week,
        weeks.week_start,
        cast((weeks.week_start - cohorts.cohort_week) / 7 as integer) as week_number,
        cohorts.cohort_size,
        coalesce(returns.listener_count, 0) as listener_count
    from cohorts
    inner join weeks on cohorts.cohort_week <= weeks.week_start
    left join returns
        on cohorts.cohort_week = returns.cohort_week
        and weeks.week_start = returns.week_start

)

select * from final
