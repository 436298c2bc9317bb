{{ config(dist='all', sort='date_day', unique_key='date_day') }}

with events as (

    select cast(event_at as date) as date_day
    from {{ ref('stg_events') }}
    where {{ in_new_loads() }}
    {%- if is_incremental() %}

    union all

    select date_day
    from {{ this }}
    {%- endif %}

),

bounds as (

    select
        min(date_day) as first_day,
        max(date_day) as last_day
    from events

),

digits as (

    {% for digit in range(10) -%}
        select {{ digit }} as digit
        {{ "union all" if not loop.last }}
    {% endfor %}

),

{# generate_series runs only on Redshift's leader node, so numbers are built from digits. 100,000 days are 273 years. #}
numbers as (

    select
        ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit
        + 10000 * ten_thousands.digit as day_number
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
    cross join digits as thousands
    cross join digits as ten_thousands

),

days as (

    select cast({{ dbt.dateadd('day', 'numbers.day_number', 'bounds.first_day') }} as date) as date_day
    from bounds
    cross join numbers

),

weeks as (

    select
        date_day,
        cast({{ dbt.date_trunc('week', 'date_day') }} as date) as week_start
    from days

),

{# The first and the last day may be incomplete. #}
calendar as (

    select
        weeks.date_day,
        cast(extract(day from weeks.date_day) as integer) as day,
        cast(extract(week from weeks.date_day) as integer) as week,
        cast(extract(month from weeks.date_day) as integer) as month,
        cast(extract(quarter from weeks.date_day) as integer) as quarter,
        cast(extract(year from weeks.date_day) as integer) as year,
        cast(extract(dow from weeks.date_day) as integer) as weekday,
        extract(dow from weeks.date_day) in (0, 6) as is_weekend,
        weeks.week_start,
        weeks.date_day > bounds.first_day and weeks.date_day < bounds.last_day as is_whole_day,
        weeks.week_start > bounds.first_day and weeks.week_start + 6 < bounds.last_day as is_whole_week
    from weeks
    cross join bounds
    where weeks.date_day <= bounds.last_day

),

{# New days, and days and weeks that have become whole because the data now goes beyond them. #}
final as (

    select calendar.*
    from calendar
    {%- if is_incremental() %}
    left join {{ this }} as known
        on calendar.date_day = known.date_day
        and calendar.is_whole_day = known.is_whole_day
        and calendar.is_whole_week = known.is_whole_week
    where known.date_day is null
    {%- endif %}

)

select * from final
