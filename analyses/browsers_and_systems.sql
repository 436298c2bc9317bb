select
    user_agents.browser,
    user_agents.os,
    sum(daily_listening.play_count) as plays,
    count(distinct daily_listening.user_id) as listeners
from {{ ref('daily_listening') }} as daily_listening
inner join {{ ref('user_agents') }} as user_agents
    on daily_listening.user_agent_id = user_agents.user_agent_id
group by user_agents.browser, user_agents.os
order by plays desc, user_agents.browser asc, user_agents.os asc
