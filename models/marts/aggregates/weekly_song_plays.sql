{{ config(dist='song_id', sort='week_start') }}

with plays as (

    select * from {{ ref('songplays') }}

),

final as (

    select
        cast({{ dbt.date_trunc('week', 'start_time') }} as date) as week_start,
        song_id,
        artist_id,
        count(*) as play_count,
        cast(sum(coalesce(song_duration, 0)) as numeric(18, 5)) as listening_seconds
    from plays
    group by cast({{ dbt.date_trunc('week', 'start_time') }} as date), song_id, artist_id

)

select * from final
