{{ config(dist='user_id', sort=['user_id', 'valid_from'], unique_key='user_id') }}

{%- set has_late_users = has_late_users('last_event_at') %}

{# The new events of each user; all events of users with a late one. #}
with events as (

    select * from {{ ref('stg_events') }}
    where
        user_id is not null
        and level is not null
        and (
            {{ in_new_loads() }}
            {%- if has_late_users %}
            or user_id in ({{ late_users('last_event_at') }})
            {%- endif %}
        )

),

{# Of several events in the same millisecond, the last decides. #}
numbered as (

    select
        user_id,
        event_at,
        level,
        row_number() over (
            partition by user_id, event_at
            order by session_id desc, item_in_session desc
        ) as recency
    from events

),

{% if is_incremental() -%}
    known as (

        select * from {{ this }}
        where
            user_id in (select user_id from events)
            {%- if has_late_users %}
            and user_id not in ({{ late_users('last_event_at') }})
            {%- endif %}

    ),

{% endif -%}

{# The user's current period is continued from its start, as if that were an event. #}
moments as (

    select
        user_id,
        event_at,
        event_at as last_event_at,
        level,
        cast(null as varchar(16)) as previous_level
    from numbered
    where recency = 1
    {%- if is_incremental() %}

    union all

    select
        user_id,
        valid_from as event_at,
        last_event_at,
        level,
        previous_level
    from known
    where is_current
    {%- endif %}

),

changes as (

    select
        user_id,
        event_at,
        level,
        coalesce(lag(level) over (partition by user_id order by event_at), previous_level) as level_before,
        lag(level) over (partition by user_id order by event_at) is null as is_first,
        lag(last_event_at) over (partition by user_id order by event_at) as event_before,
        max(last_event_at) over (partition by user_id) as last_event_at
    from moments

),

stretches as (

    select
        user_id,
        level,
        event_at as valid_from,
        lead(event_at) over (partition by user_id order by event_at) as valid_to,
        level_before as previous_level,
        coalesce(lead(event_before) over (partition by user_id order by event_at), last_event_at) as last_event_at
    from changes
    where is_first or level_before <> level

),

final as (

    select
        user_id,
        level,
        valid_from,
        valid_to,
        valid_to is null as is_current,
        previous_level,
        last_event_at
    from stretches
    {%- if is_incremental() %}

    union all

    select
        user_id,
        level,
        valid_from,
        valid_to,
        is_current,
        previous_level,
        last_event_at
    from known
    where not is_current
    {%- endif %}

)

select * from final
