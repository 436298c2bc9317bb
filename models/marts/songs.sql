{{ config(
    dist='song_id',
    sort='song_id',
    unique_key='song_id',
    meta={'rebuilt_with_catalogue': true},
) }}

with catalogue as (

    select * from {{ ref('stg_songs') }}
    where {{ in_new_loads() }}

),

heard_songs as (

    select * from {{ ref('int_heard_songs') }}

),

catalogued as (

    select
        song_id,
        title,
        artist_id,
        year,
        duration
    from catalogue

),

{# A song that was played but is not in the catalogue has the values of its earliest play. #}
inferred as (

    select
        song_id,
        song_title,
        artist_id,
        song_duration,
        row_number() over (
            partition by song_id
            order by first_heard_at, song_title, artist_name, song_duration
        ) as hearing_number
    from heard_songs
    where not is_song_catalogued
    {%- if is_incremental() %}
        and song_id in (select touched.song_id from heard_songs as touched where {{ in_new_loads('touched.load_id') }})
    {%- endif %}

),

final as (

    select
        song_id,
        coalesce(title, 'Unknown') as title,
        artist_id,
        year,
        duration,
        true as is_catalogued
    from catalogued

    union all

    select
        song_id,
        coalesce(song_title, 'Unknown') as title,
        artist_id,
        cast(null as integer) as year,
        song_duration as duration,
        false as is_catalogued
    from inferred
    where hearing_number = 1

)

select * from final
