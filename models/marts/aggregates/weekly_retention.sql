{{ config(dist='all', sort='cohort_week', unique_key='week_start') }}

{#
    Weeks before the first one affected by a new load stay unchanged. A week is affected if a user listened in it for
    the first time, if a cohort has gained or lost a user, or if it is new in the calendar.
#}
{%- set first_week = none %}
{%- if is_incremental() %}
    {%- set first_week = query_value(
        "select min(week_start) from ("
        ~ "select min(week_start) as week_start from " ~ ref('int_listener_weeks') ~ " where " ~ in_new_loads()
        ~ " union all select cast(" ~ dbt.date_trunc('week', 'min(date_day)') ~ " as date) from " ~ ref('dates')
        ~ " where date_day > (select max(week_start) + 6 from " ~ this ~ ")) as touched"
    ) or '9999-12-31' %}
{%- endif %}

with listener_weeks as (

    select * from {{ ref('int_listener_weeks') }}
    {%- if first_week %}
    where week_start >= '{{ first_week }}'
    {%- endif %}

),

weeks as (

    select distinct cast({{ dbt.date_trunc('week', 'date_day') }} as date) as week_start
    from {{ ref('dates') }}
    {%- if first_week %}
    where date_day >= '{{ first_week }}'
    {%- endif %}

),

cohorts as (

    select
        cohort_week,
        count(*) as cohort_size
    from listener_weeks
    where cohort_week = week_start
    group by cohort_week
    {%- if first_week %}

    union all

    select distinct
        cohort_week,
        cohort_size
    from {{ this }}
    where cohort_week < '{{ first_week }}'
    {%- endif %}

),

returns as (

    select
        cohort_week,
        week_start,
        count(*) as listener_count
    from listener_weeks
    group by cohort_week, week_start

),

{# A week in which nobody of a cohort listened has a row with 0. #}
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
