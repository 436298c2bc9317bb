{{ config(
    dist='song_id',
    sort='week_start',
    unique_key='song_id',
    meta={'range_column': 'week_start', 'rebuilt_with_catalogue': true},
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
        week_start,
        song_id,
        artist_id,
        play_count,
        listening_seconds
    from {{ this }}
    where
        {{ within_new('week_start', 'cast(' ~ dbt.date_trunc('week', 'start_time') ~ ' as date)', ref('songplays')) }}
        and song_id in (select song_id from plays)
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
