{{ config(dist='all', unique_key='artist_id', meta={'rebuilt_with_catalogue': true}) }}

with catalogue as (

    select * from {{ ref('stg_songs') }}
    where {{ in_new_loads() }}

),

heard_songs as (

    select * from {{ ref('int_heard_songs') }}

),

{# An artist can have several names and places. The most frequent is used; ties go to the first in sort order. #}
names as (

    select
        artist_id,
        artist_name,
        row_number() over (
            partition by artist_id
            order by case when artist_name is null then 1 else 0 end asc, count(*) desc, artist_name asc
        ) as name_number
    from catalogue
    group by artist_id, artist_name

),

places as (

    select
        artist_id,
        artist_location,
        artist_latitude,
        artist_longitude,
        row_number() over (
            partition by artist_id
            order by count(*) desc, artist_location asc, artist_latitude asc, artist_longitude asc
        ) as place_number
    from catalogue
    where artist_location is not null or artist_latitude is not null or artist_longitude is not null
    group by artist_id, artist_location, artist_latitude, artist_longitude

),

inferred as (

    select
        artist_id,
        artist_name,
        row_number() over (
            partition by artist_id
            order by first_heard_at, artist_name
        ) as hearing_number
    from heard_songs
    where not is_artist_catalogued
    {%- if is_incremental() %}
        and artist_id in (select touched.artist_id from heard_songs as touched where {{ in_new_loads('touched.load_id') }})
    {%- endif %}

),

final as (

    select
        names.artist_id,
        coalesce(names.artist_name, 'Unknown') as name,
        places.artist_location as location,
        places.artist_latitude as latitude,
        places.artist_longitude as longitude,
        true as is_catalogued
    from names
    left join places
        on names.artist_id = places.artist_id
        and places.place_number = 1
    where names.name_number = 1

    union all

    select
        artist_id,
        coalesce(artist_name, 'Unknown') as name,
        cast(null as varchar(2048)) as location,
        cast(null as double precision) as latitude,
        cast(null as double precision) as longitude,
        false as is_catalogued
    from inferred
    where hearing_number = 1

)

select * from final
