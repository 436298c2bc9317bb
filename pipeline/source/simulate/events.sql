-- The events of the sessions that begin in [from_ms, to_ms), and those that earlier sessions carried over into it.
create or replace temporary table chunk_sessions as
select * from sessions where start_ms >= getvariable('from_ms') and start_ms < getvariable('to_ms');

create or replace temporary table chunk_items as
select session_id, user_id, acting_user, item, page_no, library_no, ts from items_of('chunk_sessions')
union all
select * from carried_over;

create or replace table carried_over as
select * from chunk_items where ts >= getvariable('to_ms');

create or replace table chunk_events as
select
    items.session_id,
    items.acting_user,
    items.item,
    items.page_no,
    items.library_no,
    items.ts,
    case
        when (
            users.starts_paid::integer
            + coalesce(items.ts >= level_times.changed_at, false)::integer
            + coalesce(items.ts >= level_times.changed_back_at, false)::integer
        ) % 2 = 1 then 'paid'
        else 'free'
    end as level
from chunk_items as items
inner join users on items.user_id = users.user_id
left join level_times on items.user_id = level_times.user_id
where items.ts < getvariable('to_ms');
