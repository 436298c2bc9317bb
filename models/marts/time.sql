{{ config(dist='all', sort='start_time', unique_key='start_time', meta={'range_column': 'start_time'}) }}

with plays as (

    select * from {{ ref('songplays') }}
    where {{ in_new_loads() }}

),

start_times as (

    select distinct start_time
    from plays

),

final as (

    select
        start_time,
        cast(extract(hour from start_time) as integer) as hour,
        cast(extract(day from start_time) as integer) as day,
        cast(extract(week from start_time) as integer) as week,
        cast(extract(month from start_time) as integer) as month,
        cast(extract(year from start_time) as integer) as year,
        cast(extract(dow from start_time) as integer) as weekday
    from start_times

)

select * from final
