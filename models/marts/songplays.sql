{{ config(dist='song_id', sort='start_time') }}

with plays as (

    select * from {{ ref('stg_events') }}
    where is_play

),

heard_songs as (

    select * from {{ ref('int_heard_songs') }}

),

final as (

    select
        {{ hash_key([
            'plays.user_id',
            'plays.session_id',
            'plays.item_in_session',
            'plays.ts',
        ]) }} as songplay_id,
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

)

select * from final
