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

{# Not generate_series, which Redshift runs on its leader node only. 100,000 days are 273 years. #}
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

    select
        cast({{ dbt.dateadd('day', 'numbers.day_number', 'bounds.first_day') }} as date) as date_day,
        bounds.last_day
    from bounds
    cross join numbers

),

final as (

    select
        date_day,
        cast(extract(day from date_day) as integer) as day,
        cast(extract(week from date_day) as integer) as week,
        cast(extract(month from date_day) as integer) as month,
        cast(extract(quarter from date_day) as integer) as quarter,
        cast(extract(year from date_day) as integer) as year,
        cast(extract(dow from date_day) as integer) as weekday,
        extract(dow from date_day) in (0, 6) as is_weekend
    from days
    where date_day <= last_day
    {%- if is_incremental() %}
        and date_day not in (select known.date_day from {{ this }} as known)
    {%- endif %}

)

select * from final
