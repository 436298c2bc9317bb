{{ config(
    dist='song_id',
    sort='start_time',
    unique_key='songplay_id',
    meta={'range_column': 'start_time'},
) }}

{%- set is_rekeyed = is_incremental() and has_new_songs(build_state().new_loads) %}

{# Includes existing plays whose song or artist has changed in the catalogue. #}
with plays as (

    select * from {{ ref('stg_events') }}
    where is_play and {{ in_new_loads() }}

),

heard_songs as (

    select * from {{ ref('int_heard_songs') }}

),

final as (

    select
        plays.event_id as songplay_id,
        plays.event_at as start_time,
        plays.user_id,
        plays.level,
        heard_songs.song_id,
        heard_songs.artist_id,
        plays.session_id,
        plays.location,
        plays.user_agent,
        plays.item_in_session,
        plays.heard_song_id,
        plays.user_agent_id,
        plays.song_duration,
        plays.load_id
    from plays
    inner join heard_songs
        on plays.heard_song_id = heard_songs.heard_song_id
        and coalesce(plays.song_duration, -1) = coalesce(heard_songs.song_duration, -1)
    {%- if is_rekeyed %}

    union all

    select
        known.songplay_id,
        known.start_time,
        known.user_id,
        known.level,
        heard_songs.song_id,
        heard_songs.artist_id,
        known.session_id,
        known.location,
        known.user_agent,
        known.item_in_session,
        known.heard_song_id,
        known.user_agent_id,
        known.song_duration,
        known.load_id
    from {{ this }} as known
    inner join heard_songs
        on known.heard_song_id = heard_songs.heard_song_id
        and coalesce(known.song_duration, -1) = coalesce(heard_songs.song_duration, -1)
    where known.song_id <> heard_songs.song_id or known.artist_id <> heard_songs.artist_id
    {%- endif %}

)

select * from final
