-- Promise 1: songplays has one row for each NextSong event of a user in the source, and no others.
with landed as (

    select distinct
        user_id,
        session_id,
        item_in_session,
        ts
    from {{ source('landed', 'staging_events') }}
    where rtrim(page, ' ') = 'NextSong' and user_id is not null

),

plays as (

    select
        user_id,
        session_id,
        item_in_session,
        {{ from_epoch_ms('ts') }} as start_time
    from landed

)

select
    plays.user_id as landed_user_id,
    plays.session_id as landed_session_id,
    plays.item_in_session as landed_item,
    plays.start_time as landed_start_time,
    songplays.songplay_id
from plays
full outer join {{ ref('songplays') }} as songplays
    on plays.user_id = songplays.user_id
    and plays.session_id = songplays.session_id
    and plays.item_in_session = songplays.item_in_session
    and plays.start_time = songplays.start_time
where plays.user_id is null or songplays.user_id is null
