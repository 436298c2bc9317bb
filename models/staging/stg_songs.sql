{{ config(dist='all') }}

{# A song that was delivered twice with differences keeps the least content, whatever came first. #}
{%- set content = [
    'title', 'artist_id', 'artist_name', 'duration', 'year', 'artist_location', 'artist_latitude', 'artist_longitude',
    'load_id',
] %}

with songs as (

    select * from {{ source('landed', 'staging_songs') }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by song_id
            order by {{ content | join(', ') }}
        ) as delivery_number
    from songs

),

final as (

    select
        song_id,
        nullif(title, '') as title,
        artist_id,
        nullif(artist_name, '') as artist_name,
        nullif(artist_location, '') as artist_location,
        artist_latitude,
        artist_longitude,
        nullif(year, 0) as year,
        duration,
        case
            when {{ fold_case('title') }} <> '' and {{ fold_case('artist_name') }} <> ''
                then {{ heard_song_key(repair_text('title'), repair_text('artist_name')) }}
        end as heard_song_id,
        load_id
    from numbered
    where delivery_number = 1

)

select * from final
