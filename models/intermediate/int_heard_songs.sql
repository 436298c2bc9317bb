{{ config(dist='all', unique_key='heard_song_id', meta={'rebuilt_with_catalogue': true}) }}

with plays as (

    select * from {{ ref('stg_events') }}
    where is_play and {{ in_new_loads() }}

),

catalogue as (

    select * from {{ ref('stg_songs') }}

),

{# Distinct spellings and durations: few rows for many plays. #}
spellings as (

    select
        heard_song_id,
        song_duration,
        song_title,
        artist_name,
        min(event_at) as first_heard_at,
        max(load_id) as load_id,
        true as is_new
    from plays
    group by heard_song_id, song_duration, song_title, artist_name
    {%- if is_incremental() %}

    union all

    select
        heard_song_id,
        song_duration,
        song_title,
        artist_name,
        first_heard_at,
        load_id,
        false as is_new
    from {{ this }}
    where heard_song_id in (select heard_song_id from plays)
    {%- endif %}

),

heard_songs as (

    select
        heard_song_id,
        song_duration,
        song_title,
        artist_name,
        first_heard_at,
        coalesce(
            max(case when is_new then load_id end) over (partition by heard_song_id, coalesce(song_duration, -1)),
            load_id
        ) as load_id,
        row_number() over (
            partition by heard_song_id, coalesce(song_duration, -1)
            order by first_heard_at, song_title, artist_name
        ) as spelling_number
    from spellings

),

{# A play is matched to the recording closest in length. #}
recordings as (

    select
        heard_songs.heard_song_id,
        heard_songs.song_duration,
        catalogue.song_id,
        catalogue.artist_id,
        row_number() over (
            partition by heard_songs.heard_song_id, coalesce(heard_songs.song_duration, -1)
            order by abs(catalogue.duration - heard_songs.song_duration), catalogue.song_id
        ) as recording_number
    from heard_songs
    inner join catalogue on heard_songs.heard_song_id = catalogue.heard_song_id
    where heard_songs.spelling_number = 1

),

{# Artists that the catalogue has under this name, with any song. #}
known_artists as (

    select
        heard_artist_id,
        min(artist_id) as artist_id
    from catalogue
    where heard_artist_id is not null
    group by heard_artist_id

),

final as (

    select
        heard_songs.heard_song_id,
        heard_songs.song_duration,
        heard_songs.song_title,
        heard_songs.artist_name,
        heard_songs.first_heard_at,
        coalesce(recordings.song_id, heard_songs.heard_song_id) as song_id,
        coalesce(
            recordings.artist_id,
            known_artists.artist_id,
            {{ heard_artist_key('heard_songs.artist_name') }}
        ) as artist_id,
        recordings.song_id is not null as is_song_catalogued,
        coalesce(recordings.artist_id, known_artists.artist_id) is not null as is_artist_catalogued,
        heard_songs.load_id
    from heard_songs
    left join recordings
        on heard_songs.heard_song_id = recordings.heard_song_id
        and coalesce(heard_songs.song_duration, -1) = coalesce(recordings.song_duration, -1)
        and recordings.recording_number = 1
    left join known_artists
        on {{ heard_artist_key('heard_songs.artist_name') }} = known_artists.heard_artist_id
    where heard_songs.spelling_number = 1

)

select * from final
