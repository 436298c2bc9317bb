-- The rows are put in order while they are narrow; the joins, which keep the order of their left side, make them wide.
with events as (
    select *
    from chunk_events
    where ts >= getvariable('day_ms') and ts < getvariable('day_ms') + 86400000
    order by ts, session_id, item
)

select concat(
    played_songs.artist_part,
    case when events.acting_user = 0 then ',"auth":"Logged Out",' else ',"auth":"Logged In",' end,
    played_users.name_part, ',"itemInSession":', events.item, ',', played_users.last_name_part, ',',
    played_songs.length_part, ',"level":"', events.level, '",', played_users.location_part,
    ',"method":"', pages.method, '","page":"', pages.page, '",', played_users.registration_part,
    ',"sessionId":', events.session_id, ',', played_songs.song_part, ',"status":', pages.status,
    ',"ts":', events.ts, ',', played_users.agent_part
) as line
from events
inner join played_songs on events.library_no = played_songs.library_no
inner join played_users on events.acting_user = played_users.user_id
inner join pages on events.page_no = pages.page_no
