{{ config(dist='all', unique_key='song_id') }}

{#
    Of a song that was delivered several times with different content, the version that sorts first is kept, whatever
    the order of arrival. Trailing blanks are removed first, as in stg_events.
#}
{%- set content = [
    'title', 'artist_id', 'artist_name', 'duration', 'year', 'artist_location', 'artist_latitude', 'artist_longitude',
] %}
{%- set texts = ['song_id', 'title', 'artist_id', 'artist_name', 'artist_location'] %}

with landed as (

    select * from {{ source('landed', 'staging_songs') }}
    where {{ in_new_landed_loads() }}

),

songs as (

    select
        artist_latitude,
        artist_longitude,
        duration,
        year,
        {% for text in texts -%}
            rtrim({{ text }}, ' ') as {{ text }},
        {% endfor -%}
        load_id
    from landed

),

cleaned as (

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
        load_id,
        true as is_new
    from songs

),

deliveries as (

    select * from cleaned
    {%- if is_incremental() %}

    union all

    select
        song_id,
        title,
        artist_id,
        artist_name,
        artist_location,
        artist_latitude,
        artist_longitude,
        year,
        duration,
        load_id,
        false as is_new
    from {{ this }}
    where song_id in (select song_id from cleaned)
    {%- endif %}

),

numbered as (

    select
        *,
        row_number() over (
            partition by song_id
            order by {{ content | join(', ') }}, is_new, load_id
        ) as delivery_number
    from deliveries

),

repaired as (

    select
        *,
        {{ repair_text('title') }} as repaired_title,
        {{ repair_text('artist_name') }} as repaired_artist_name
    from numbered
    where delivery_number = 1 and is_new

),

final as (

    select
        song_id,
        title,
        artist_id,
        artist_name,
        artist_location,
        artist_latitude,
        artist_longitude,
        year,
        duration,
        case
            when {{ fold_case('repaired_title') }} <> '' and {{ fold_case('repaired_artist_name') }} <> ''
                then {{ heard_song_key('repaired_title', 'repaired_artist_name') }}
        end as heard_song_id,
        case
            when {{ fold_case('repaired_artist_name') }} <> ''
                then {{ heard_artist_key('repaired_artist_name') }}
        end as heard_artist_id,
        load_id
    from repaired

)

select * from final
