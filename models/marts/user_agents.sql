{{ config(dist='all', unique_key='user_agent_id') }}

with events as (

    select * from {{ ref('stg_events') }}
    where user_id is not null and {{ in_new_loads() }}

),

rules as (

    select * from {{ ref('user_agent_rules') }}

),

agents as (

    select distinct
        user_agent_id,
        user_agent
    from events

),

matches as (

    select
        agents.user_agent_id,
        rules.part,
        rules.name,
        coalesce(
            rules.version,
            {{ leading_number("substring(
                agents.user_agent,
                strpos(agents.user_agent, rules.version_after) + length(rules.version_after),
                16
            )") }}
        ) as version,
        row_number() over (
            partition by agents.user_agent_id, rules.part
            order by rules.priority
        ) as match_number
    from agents
    inner join rules on agents.user_agent like rules.pattern

),

final as (

    select
        agents.user_agent_id,
        agents.user_agent,
        coalesce(browsers.name, 'Other') as browser,
        browsers.version as browser_version,
        coalesce(systems.name, 'Other') as os,
        systems.version as os_version,
        coalesce(devices.name, 'Other') as device
    from agents
    left join matches as browsers
        on agents.user_agent_id = browsers.user_agent_id
        and browsers.part = 'browser'
        and browsers.match_number = 1
    left join matches as systems
        on agents.user_agent_id = systems.user_agent_id
        and systems.part = 'os'
        and systems.match_number = 1
    left join matches as devices
        on agents.user_agent_id = devices.user_agent_id
        and devices.part = 'device'
        and devices.match_number = 1

)

select * from final
