{{ config(dist='user_id', sort='started_at', unique_key='session_key') }}

{%- set has_late_users = has_late_users('ended_at') %}

{#
    A session continues after logout; events while logged out have no user and belong to no user's session. New events
    are added to existing sessions. For users with late events, all events are counted again.
#}
with events as (

    select * from {{ ref('stg_events') }}
    where
        user_id is not null
        and (
            {{ in_new_loads() }}
            {%- if has_late_users %}
            or user_id in ({{ late_users('ended_at') }})
            {%- endif %}
        )

),

numbered as (

    select
        *,
        row_number() over (
            partition by user_id, session_id
            order by event_at, item_in_session
        ) as event_number
    from events

),

summed as (

    select
        session_id,
        user_id,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        max(case when event_number = 1 then level end) as level,
        count(*) as event_count,
        sum(case when is_play then 1 else 0 end) as play_count,
        sum(case when is_play then coalesce(song_duration, 0) else 0 end) as listening_seconds
    from numbered
    group by user_id, session_id

),

{% if is_incremental() -%}
    known as (

        select * from {{ this }}
        where
            session_id in (select session_id from events)
            {%- if has_late_users %}
            and user_id not in ({{ late_users('ended_at') }})
            {%- endif %}

    ),

{% endif -%}

final as (

    select
        {{ hash_key(['summed.user_id', 'summed.session_id']) }} as session_key,
        summed.session_id,
        summed.user_id,
        {% if is_incremental() -%}
            coalesce(known.started_at, summed.started_at) as started_at,
            summed.ended_at,
            case when known.session_key is null then summed.level else known.level end as level,
            coalesce(known.event_count, 0) + summed.event_count as event_count,
            cast(coalesce(known.play_count, 0) + summed.play_count as bigint) as play_count,
            cast(coalesce(known.listening_seconds, 0) + summed.listening_seconds as numeric(18, 5)) as listening_seconds,
            cast(
                {{ dbt.datediff('coalesce(known.started_at, summed.started_at)', 'summed.ended_at', 'second') }}
                as bigint
            ) as duration_seconds
        {% else -%}
            summed.started_at,
            summed.ended_at,
            summed.level,
            summed.event_count,
            cast(summed.play_count as bigint) as play_count,
            cast(summed.listening_seconds as numeric(18, 5)) as listening_seconds,
            cast(
                {{ dbt.datediff('summed.started_at', 'summed.ended_at', 'second') }}
                as bigint
            ) as duration_seconds
        {% endif -%}
    from summed
    {% if is_incremental() -%}
        left join known
            on summed.user_id = known.user_id
            and summed.session_id = known.session_id
    {% endif %}

)

select * from final
