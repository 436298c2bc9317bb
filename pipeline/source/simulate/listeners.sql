-- Users with habits, and their sessions.
create table users as
select
    i + 2 as user_id,
    case when pick(i, 100, 100) < 56 then 'F' else 'M' end as gender,
    -- the sixth user has the name of the third
    case when gender = 'F' then female.plain else male.plain end as first_name,
    last.plain as last_name,
    area.plain as location,
    getvariable('first_ms') - (1 + pick(i, 104, 160)) * 86400000::bigint + pick(i, 105, 86400) * 1000::bigint as registration,
    agent.plain as user_agent,
    -- who listens much tends to pay
    uniform(i, 107) < case when i < getvariable('users') * 0.2 then 0.6 else 0.08 end as starts_paid,
    pick(i, 108, 100) < 9 as changes_level,
    (16 + 4 * (uniform(i, 109) + uniform(i, 110) - 1) * 2) as favourite_hour
from range(getvariable('users')) as numbers(i)
inner join words as female on female.kind = 'first_name_f' and female.word_no = pick(case when i = 5 then 2 else i end, 101, getvariable('first_names_f'))
inner join words as male on male.kind = 'first_name_m' and male.word_no = pick(case when i = 5 then 2 else i end, 102, getvariable('first_names_m'))
inner join words as last on last.kind = 'last_name' and last.word_no = pick(case when i = 5 then 2 else i end, 103, getvariable('last_names'))
inner join words as area on area.kind = 'metro_area' and area.word_no = pick(i, 106, getvariable('metro_areas'))
inner join words as agent on agent.kind = 'user_agent' and agent.word_no = pick(i, 111, getvariable('user_agents'));

-- A few users bring most of the sessions; paid sessions are longer; weekends are quieter; the day has its hours.
create table drawn_sessions as
with drawn as (
    select
        i as draw_no,
        2 + floor(getvariable('users') * pow(uniform(i, 120), 1.8))::integer as user_id,
        pick(i, 121, getvariable('days')) as day_no,
        uniform(i, 122) as length_draw,
        uniform(i, 123) + uniform(i, 124) + uniform(i, 125) - 1.5 as hour_draw,
        pick(i, 126, 100) as weekend_draw,
        pick(i, 127, 1000) as logged_out_draw,
        pick(i, 128, 3600) as second_draw
    from range((getvariable('events') / 5 + 100)::bigint) as numbers(i)
)
select
    drawn.draw_no,
    drawn.user_id,
    getvariable('first_ms') + drawn.day_no * 86400000::bigint
        + ((users.favourite_hour + 6 * drawn.hour_draw + 24)::integer % 24) * 3600000::bigint::bigint
        + drawn.second_draw * 1000 as start_ms,
    least(140, 1 + floor(-ln(1 - drawn.length_draw) * case when users.starts_paid then 20 else 5 end))::integer as item_count,
    case when drawn.logged_out_draw < 130 then 1 + drawn.logged_out_draw % 4 else 0 end as logged_out_items
from drawn
inner join users on drawn.user_id = users.user_id
where drawn.weekend_draw < 60 or isodow(epoch_ms(getvariable('first_ms') + drawn.day_no * 86400000::bigint)) < 6;

-- Exactly as many events as were asked for: the sessions up to there, the last one cut.
create table sessions as
with counted as (
    select *, sum(item_count) over (order by draw_no) as items_so_far from drawn_sessions
),
enough as (
    select
        * exclude (item_count),
        (item_count - greatest(0, items_so_far - getvariable('events')))::integer as item_count
    from counted
    where items_so_far - item_count < getvariable('events')
)
select
    (row_number() over (order by start_ms, draw_no))::integer as session_id,
    user_id,
    start_ms,
    item_count,
    logged_out_items
from enough;

-- A level changes at the third item of one of the user's sessions, which submits it; the next event has the new level.
create table level_changes as
with candidates as (
    select
        sessions.session_id,
        sessions.user_id,
        users.starts_paid,
        row_number() over (partition by sessions.user_id order by random_int(sessions.session_id, 130), sessions.session_id) as choice
    from sessions
    inner join users on sessions.user_id = users.user_id
    where users.changes_level and sessions.item_count > 9 and sessions.logged_out_items = 0
)
select
    session_id,
    user_id,
    starts_paid,
    -- one of eight goes back and forth within minutes
    pick(user_id, 131, 8) = 0 as is_undone
from candidates
where choice = 1;

create table played_users as
select
    user_id,
    concat('"firstName":', to_json(first_name), ',"gender":', to_json(gender)) as name_part,
    concat('"lastName":', to_json(last_name)) as last_name_part,
    concat('"location":', to_json(location)) as location_part,
    concat('"registration":', registration, '.0') as registration_part,
    concat('"userAgent":', to_json(user_agent), ',"userId":"', user_id, '"}') as agent_part,
    starts_paid
from users;
insert into played_users values (
    0, '"firstName":null,"gender":null', '"lastName":null', '"location":null', '"registration":null',
    '"userAgent":null,"userId":""}', false
);

insert into played_songs values (-1, '{"artist":null', '"length":null', '"song":null', null);

create table pages as
select * from (values
    (0, 'NextSong', 'PUT', 200), (1, 'Home', 'GET', 200), (2, 'Login', 'PUT', 307), (3, 'Logout', 'PUT', 307),
    (4, 'Downgrade', 'GET', 200), (5, 'Settings', 'GET', 200), (6, 'Help', 'GET', 200), (7, 'About', 'GET', 200),
    (8, 'Upgrade', 'GET', 200), (9, 'Save Settings', 'PUT', 307), (10, 'Error', 'GET', 404),
    (11, 'Submit Upgrade', 'PUT', 307), (12, 'Submit Downgrade', 'PUT', 307)
) as pages(page_no, page, method, status);

create macro item_id(session_id, item) as session_id::ubigint * 256 + item::ubigint;

create macro logged_out_page(draw) as case when draw < 62 then 1 when draw < 92 then 2 when draw < 96 then 7 else 10 end;

create macro other_page(draw) as case
    when draw < 640 then 1 when draw < 710 then 3 when draw < 750 then 4 when draw < 840 then 5 when draw < 900 then 6
    when draw < 935 then 7 when draw < 965 then 8 when draw < 977 then 9 else 10
end;

-- Zipf's law, flattened at its head (Mandelbrot), by its inverse: rank 0 is the most played.
create macro song_of(id) as floor(50 * (pow((getvariable('library_size') + 50) / 50.0, uniform(id, 143)) - 1))::integer;

create macro items_of(chosen) as table (
    with items as (
        select
            session_id,
            user_id,
            start_ms,
            logged_out_items,
            unnest(range(item_count))::integer as item
        from query_table(chosen)
    ),
    -- drawn once each: a draw that stands inside a case would be drawn again in every branch
    draws as (
        select
            *,
            item_id(session_id, item) as id,
            random_int(id, 141) < 3760000000 as draws_play,
            pick(id, 140, 100) as logged_out_draw,
            pick(id, 142, 1000) as page_draw
        from items
    ),
    drawn as (
        select
            draws.session_id,
            draws.user_id,
            draws.start_ms,
            draws.item,
            draws.id,
            case
                when changes.session_id is not null and draws.item = 2
                    then case when changes.starts_paid then 12 else 11 end
                when changes.session_id is not null and changes.is_undone and draws.item = 5
                    then case when changes.starts_paid then 11 else 12 end
                when changes.session_id is not null and changes.is_undone and draws.item between 3 and 6 then 1
                when draws.item < draws.logged_out_items then logged_out_page(logged_out_draw)
                when draws.draws_play then 0
                else other_page(page_draw)
            end as page_no,
            case when draws.item < draws.logged_out_items then 0 else draws.user_id end as acting_user
        from draws
        left join level_changes as changes on draws.session_id = changes.session_id
    ),
    chosen_songs as (
        select
            *,
            case when page_no = 0 then song_of(id) else -1 end as library_no
        from drawn
    )
    select
        chosen_songs.session_id,
        chosen_songs.user_id,
        chosen_songs.acting_user,
        chosen_songs.item,
        chosen_songs.page_no,
        chosen_songs.library_no,
        -- the next item follows when the song is over, or after a moment
        chosen_songs.start_ms + coalesce(sum(
            coalesce(floor(played_songs.seconds)::bigint, 1 + pick(chosen_songs.id, 144, 60)) * 1000
        ) over (
            partition by chosen_songs.session_id order by chosen_songs.item
            rows between unbounded preceding and 1 preceding
        ), 0)::bigint as ts
    from chosen_songs
    inner join played_songs on chosen_songs.library_no = played_songs.library_no
);

create table changing_sessions as
select sessions.* from sessions inner join level_changes on sessions.session_id = level_changes.session_id;

-- The moments at which users change: the item after the one that submits it.
create table level_times as
select
    items.user_id,
    min(case when items.item = 3 then items.ts end) as changed_at,
    min(case when items.item = 6 and level_changes.is_undone then items.ts end) as changed_back_at
from items_of('changing_sessions') as items
inner join level_changes on items.session_id = level_changes.session_id
group by items.user_id;

create table carried_over (
    session_id integer, user_id bigint, acting_user bigint, item integer, page_no integer, library_no bigint, ts bigint
);
