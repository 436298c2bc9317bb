{{ config(dist='all', sort='play_hour') }}

with plays as (

    select * from {{ ref('songplays') }}

),

final as (

    select
        cast({{ dbt.date_trunc('hour', 'start_time') }} as timestamp) as play_hour,
        level,
        count(*) as play_count
    from plays
    group by cast({{ dbt.date_trunc('hour', 'start_time') }} as timestamp), level

)

select * from final
