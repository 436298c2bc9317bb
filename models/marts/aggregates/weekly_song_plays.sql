{{ config(
    dist='song_id',
    sort='week_start',
    unique_key=['week_start', 'song_id', 'artist_id'],
    meta={'rebuilt_with_catalogue': true},
) }}

with plays as (

    select * from {{ ref('songplays') }}
    where {{ in_new_loads() }}

),

counted as (

    select
        cast({{ dbt.date_trunc('week', 'start_time') }} as date) as week_start,
        song_id,
        artist_id,
        count(*) as play_count,
        cast(sum(coalesce(song_duration, 0)) as numeric(18, 5)) as listening_seconds
    from plays
    group by cast({{ dbt.date_trunc('week', 'start_time') }} as date), song_id, artist_id
    {%- if is_incremental() %}

    union all

    select
        known.week_start,
        known.song_id,
        known.artist_id,
        known.play_count,
        known.listening_seconds
    from {{ this }} as known
    inner join (
        select distinct
            cast({{ dbt.date_trunc('week', 'start_time') }} as date) as week_start,
            song_id
        from plays
    ) as touched
        on known.week_start = touched.week_start
        and known.song_id = touched.song_id
    {%- endif %}

),

final as (

    select
        week_start,
        song_id,
        artist_id,
        cast(sum(play_count) as bigint) as play_count,
        cast(sum(listening_seconds) as numeric(18, 5)) as listening_seconds
    from counted
    group by week_start, song_id, artist_id

)

select * from final
