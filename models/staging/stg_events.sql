{{ config(
    dist='user_id',
    sort='event_at',
    unique_key='event_id',
    meta={'range_column': 'event_at', 'has_corrections': true},
) }}

{#
    An event can be delivered several times with different content. The version that sorts first is kept, so the order
    of arrival does not matter. Plays sort before everything else, because no play may be lost.

    Trailing blanks are removed first, because Redshift ignores them in comparisons and DuckDB does not.
#}
{%- set content = [
    'page', 'artist_name', 'song_title', 'song_duration', 'level', 'auth', 'method', 'status', 'first_name', 'last_name',
    'gender', 'location', 'registered_at', 'user_agent',
] %}
{%- set texts = [
    'page', 'artist', 'song', 'level', 'auth', 'method', 'first_name', 'last_name', 'gender', 'location', 'user_agent',
] %}

with landed as (

    select * from {{ source('landed', 'staging_events') }}
    where {{ in_new_landed_loads() }}

),

events as (

    select
        user_id,
        session_id,
        item_in_session,
        ts,
        registration,
        status,
        length,
        {% for text in texts -%}
            rtrim({{ text }}, ' ') as {{ text }},
        {% endfor -%}
        load_id
    from landed

),

cleaned as (

    select
        {{ hash_key(['user_id', 'session_id', 'item_in_session', 'ts']) }} as event_id,
        user_id,
        session_id,
        item_in_session,
        ts,
        {{ from_epoch_ms('ts') }} as event_at,
        page,
        nullif(auth, '') as auth,
        nullif(method, '') as method,
        status,
        nullif(level, '') as level,
        nullif({{ repair_text('first_name') }}, '') as first_name,
        nullif({{ repair_text('last_name') }}, '') as last_name,
        nullif(gender, '') as gender,
        nullif({{ repair_text('location') }}, '') as location,
        {{ from_epoch_ms('registration') }} as registered_at,
        nullif(rtrim(trim(both '"' from user_agent), ' '), '') as user_agent,
        nullif({{ repair_text('song') }}, '') as song_title,
        nullif({{ repair_text('artist') }}, '') as artist_name,
        length as song_duration,
        load_id,
        true as is_new
    from events

),

deliveries as (

    select * from cleaned
    {%- if is_incremental() %}

    union all

    select
        event_id,
        user_id,
        session_id,
        item_in_session,
        ts,
        event_at,
        page,
        auth,
        method,
        status,
        level,
        first_name,
        last_name,
        gender,
        location,
        registered_at,
        user_agent,
        song_title,
        artist_name,
        song_duration,
        load_id,
        false as is_new
    from {{ this }}
    where
        {{ within_new('event_at', from_epoch_ms('ts'), source('landed', 'staging_events')) }}
        and event_id in (select event_id from cleaned)
    {%- endif %}

),

numbered as (

    select
        *,
        row_number() over (
            partition by user_id, session_id, item_in_session, ts
            order by case when page = 'NextSong' then 0 else 1 end, {{ content | join(', ') }}, is_new, load_id
        ) as delivery_number,
        max(case when not is_new then load_id end) over (
            partition by user_id, session_id, item_in_session, ts
        ) as replaced_load_id
    from deliveries

),

final as (

    select
        event_id,
        user_id,
        session_id,
        item_in_session,
        ts,
        event_at,
        page,
        auth,
        method,
        status,
        level,
        first_name,
        last_name,
        gender,
        location,
        registered_at,
        user_agent,
        {{ hash_key(['user_agent']) }} as user_agent_id,
        song_title,
        artist_name,
        song_duration,
        case
            when page = 'NextSong' then {{ heard_song_key('song_title', 'artist_name') }}
        end as heard_song_id,
        page = 'NextSong' and user_id is not null as is_play,
        load_id,
        replaced_load_id
    from numbered
    where delivery_number = 1 and is_new

)

select * from final
