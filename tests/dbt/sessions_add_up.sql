-- Every play in songplays is counted in its session, and nothing else is.
with plays as (

    select
        user_id,
        session_id,
        count(*) as play_count
    from {{ ref('songplays') }}
    group by user_id, session_id

)

select
    sessions.session_key,
    sessions.play_count,
    plays.play_count as songplays
from {{ ref('sessions') }} as sessions
full outer join plays
    on sessions.user_id = plays.user_id
    and sessions.session_id = plays.session_id
where sessions.play_count is null or sessions.play_count <> coalesce(plays.play_count, 0)
