{{ config(dist='all', sort='play_hour', unique_key='play_hour', meta={'range_column': 'play_hour'}) }}

with plays as (

    select * from {{ ref('songplays') }}
    where {{ in_new_loads() }}

),

counted as (

    select
        cast({{ dbt.date_trunc('hour', 'start_time') }} as timestamp) as play_hour,
        level,
        count(*) as play_count
    from plays
    group by cast({{ dbt.date_trunc('hour', 'start_time') }} as timestamp), level
    {%- if is_incremental() %}

    union all

    select
        play_hour,
        level,
        play_count
    from {{ this }}
    where
        {{ within_new('play_hour', dbt.date_trunc('hour', 'start_time'), ref('songplays')) }}
        and play_hour in (select cast({{ dbt.date_trunc('hour', 'start_time') }} as timestamp) from plays)
    {%- endif %}

),

final as (

    select
        play_hour,
        level,
        cast(sum(play_count) as bigint) as play_count
    from counted
    group by play_hour, level

)

select * from final
