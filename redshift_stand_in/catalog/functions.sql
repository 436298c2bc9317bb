-- Functions of Redshift's that PostgreSQL lacks, or has with another meaning.
set allow_system_table_mods = on;

-- PostgreSQL's own are called by their numbers, so that another body would not be seen: they make room by name.
update pg_proc set proname = 'postgres_' || proname where proname in ('regexp_replace', 'regexp_substr', 'version');

-- Dates and times

create function stand_in.part(name text) returns text
language sql immutable strict
return case
    when lower(name) in ('y', 'yr', 'yrs', 'years') then 'year'
    when lower(name) in ('qtr', 'qtrs', 'quarters') then 'quarter'
    when lower(name) in ('mon', 'mons', 'months') then 'month'
    when lower(name) in ('w', 'weeks') then 'week'
    when lower(name) in ('d', 'days') then 'day'
    when lower(name) in ('h', 'hr', 'hrs', 'hours') then 'hour'
    when lower(name) in ('m', 'min', 'mins', 'minutes') then 'minute'
    when lower(name) in ('s', 'sec', 'secs', 'seconds') then 'second'
    when lower(name) in ('ms', 'msec', 'msecs', 'mseconds', 'milliseconds') then 'millisecond'
    when lower(name) in ('us', 'usec', 'usecs', 'useconds', 'microseconds') then 'microsecond'
    when lower(name) in ('dayofweek', 'dw', 'weekday') then 'dow'
    when lower(name) in ('dayofyear', 'dy', 'yearday') then 'doy'
    else lower(name)
end;

create function pg_catalog.dateadd(part text, number integer, moment timestamp) returns timestamp
language sql immutable strict
return case stand_in.part(part)
    when 'year' then moment + make_interval(number)
        -- From the 29th of February a year on is the 1st of March.
        + case
            when to_char(moment, 'MMDD') = '0229' and to_char(moment + make_interval(number), 'MMDD') = '0228'
                then interval '1 day'
            else interval '0'
        end
    when 'quarter' then moment + make_interval(months => 3 * number)
    when 'month' then moment + make_interval(months => number)
    when 'week' then moment + make_interval(weeks => number)
    when 'day' then moment + make_interval(days => number)
    when 'hour' then moment + make_interval(hours => number)
    when 'minute' then moment + make_interval(mins => number)
    when 'second' then moment + make_interval(secs => number)
    when 'millisecond' then moment + number * interval '1 millisecond'
    when 'microsecond' then moment + number * interval '1 microsecond'
end;

-- Boundaries that lie between two moments.
create function pg_catalog.datediff(part text, earlier timestamp, later timestamp) returns bigint
language sql immutable strict
return case stand_in.part(part)
    when 'year' then extract(year from later) - extract(year from earlier)
    when 'quarter' then 4 * (extract(year from later) - extract(year from earlier))
        + extract(quarter from later) - extract(quarter from earlier)
    when 'month' then 12 * (extract(year from later) - extract(year from earlier))
        + extract(month from later) - extract(month from earlier)
    when 'week' then (date_trunc('week', later + interval '1 day')::date - date_trunc('week', earlier + interval '1 day')::date) / 7
    when 'day' then later::date - earlier::date
    when 'microsecond' then extract(epoch from later - earlier) * 1000000
    when 'millisecond' then extract(epoch from date_trunc('millisecond', later) - date_trunc('millisecond', earlier)) * 1000
    when 'second' then extract(epoch from date_trunc('second', later) - date_trunc('second', earlier))
    when 'minute' then extract(epoch from date_trunc('minute', later) - date_trunc('minute', earlier)) / 60
    when 'hour' then extract(epoch from date_trunc('hour', later) - date_trunc('hour', earlier)) / 3600
end;

-- A field alone, as an integer.
create function stand_in.field(part text, moment timestamp) returns integer
language sql immutable strict
return case stand_in.part(part)
    when 'second' then floor(date_part('second', moment))
    when 'millisecond' then date_part('millisecond', moment)::integer % 1000
    when 'microsecond' then date_part('microsecond', moment)::bigint % 1000000
    when 'decade' then floor(date_part('year', moment) / 10) + 1
    else date_part(stand_in.part(part), moment)
end::integer;

create function stand_in.field(part text, day date) returns integer
language sql immutable strict return stand_in.field(part, day::timestamp);
create function stand_in.field(part text, moment timestamptz) returns double precision
language sql stable strict return date_part(stand_in.part(part), moment);
create function stand_in.field(part text, span interval) returns double precision
language sql immutable strict return date_part(stand_in.part(part), span);

create function pg_catalog.getdate() returns timestamp
language sql stable return date_trunc('second', statement_timestamp() at time zone 'UTC');
create function pg_catalog.sysdate() returns timestamp
language sql stable return transaction_timestamp() at time zone 'UTC';
create function pg_catalog.trunc(moment timestamp) returns date language sql immutable strict return moment::date;
create function pg_catalog.last_day(moment timestamp) returns date
language sql immutable strict return (date_trunc('month', moment) + interval '1 month' - interval '1 day')::date;
create function pg_catalog.add_months(moment timestamp, number integer) returns timestamp
language sql immutable strict
return case
    when moment::date = last_day(moment) then last_day(moment + make_interval(months => number)) + moment::time
    else moment + make_interval(months => number)
end;
create function pg_catalog.months_between(later date, earlier date) returns double precision
language sql immutable strict
return case
    when extract(day from later) = extract(day from earlier)
        or (later = last_day(later::timestamp) and earlier = last_day(earlier::timestamp))
        then datediff('month', earlier, later)
    else datediff('month', earlier, later) + (extract(day from later) - extract(day from earlier)) / 31
end;
create function pg_catalog.convert_timezone(source text, target text, moment timestamp) returns timestamp
language sql stable strict return (moment at time zone source) at time zone target;
create function pg_catalog.convert_timezone(target text, moment timestamp) returns timestamp
language sql stable strict return (moment at time zone 'UTC') at time zone target;

-- Texts

create function pg_catalog.len(text) returns integer language sql immutable strict return length($1);
create or replace function pg_catalog.textlen(text) returns integer language sql immutable strict return length($1);
create function pg_catalog.charindex(part text, whole text) returns integer
language sql immutable strict return strpos(whole, part);
create function pg_catalog.concat(text, text) returns text language sql immutable strict return $1 || $2;
create function pg_catalog.strtol(number text, base integer) returns bigint
language plpgsql immutable strict as $$
declare
    digits text := lower(regexp_replace(number, '^[+-]?(0x)?', ''));
    result numeric := 0;
    digit integer;
begin
    for position in 1 .. length(digits) loop
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, position, 1)) - 1;
        if digit < 0 or digit >= base then
            raise exception 'The input % is not valid to be converted to base %', number, base;
        end if;
        result := result * base + digit;
    end loop;
    return case when number like '-%' then -result else result end;
end
$$;

-- Every match is replaced; the fourth argument is a position. A back reference is documented nowhere, so there is none.
create function stand_in.replace_pattern(
    source text, pattern text, replacement text, first integer, parameters text
) returns text
language sql immutable strict
return postgres_regexp_replace(
    source, pattern, replace(replacement, '\', '\\'), first, 0, case when parameters like '%i%' then 'i' else '' end
);
create function pg_catalog.regexp_replace(text, text, text default '', integer default 1, text default '') returns text
language sql immutable return stand_in.replace_pattern($1, $2, $3, $4, $5);
create function pg_catalog.regexp_substr(text, text, integer default 1, integer default 1, text default '') returns text
language sql immutable strict
return coalesce(postgres_regexp_substr($1, $2, $3, $4, case when $5 like '%i%' then 'i' else '' end), '');

-- Bytes

create function pg_catalog.to_varbyte(value text, format text) returns varbyte
language plpgsql immutable strict as $$
begin
    return case
        when lower(format) in ('utf8', 'utf-8', 'utf_8') then convert_to(value, 'UTF8')
        when lower(format) = 'hex' then decode(case when length(value) % 2 = 1 then '0' else '' end || value, 'hex')
        when lower(format) = 'base64' then decode(value, 'base64')
    end;
end
$$;
create function pg_catalog.from_varbyte(value varbyte, format text) returns varchar
language plpgsql immutable strict as $$
begin
    return case
        when lower(format) in ('utf8', 'utf-8', 'utf_8') then convert_from(value, 'UTF8')
        when lower(format) = 'hex' then encode(value, 'hex')
        when lower(format) = 'base64' then encode(value, 'base64')
    end;
end
$$;
create function pg_catalog.to_hex(varbyte) returns varchar language sql immutable strict return encode($1, 'hex');
create function pg_catalog.from_hex(text) returns varbyte language sql immutable strict return to_varbyte($1, 'hex');
create function pg_catalog.sha2(text, integer) returns varchar
language sql immutable strict
return case $2
    when 224 then encode(sha224(convert_to($1, 'UTF8')), 'hex')
    when 384 then encode(sha384(convert_to($1, 'UTF8')), 'hex')
    when 512 then encode(sha512(convert_to($1, 'UTF8')), 'hex')
    else encode(sha256(convert_to($1, 'UTF8')), 'hex')
end;

-- SUPER

create function pg_catalog.json_parse(text) returns super language sql immutable strict return $1::jsonb;
create function pg_catalog.json_serialize(super) returns varchar language sql immutable strict return $1::jsonb::text;
create function pg_catalog.is_valid_json(text) returns boolean
language sql immutable strict return $1 is json object;
create function pg_catalog.json_extract_path_text(source text, variadic path text[]) returns varchar
language sql immutable
return coalesce((source::jsonb #>> path)::varchar, '');
create function pg_catalog.get_array_length(super) returns integer
language sql immutable strict return jsonb_array_length($1::jsonb);

create function pg_catalog.nvl2(anyelement, anycompatible, anycompatible) returns anycompatible
language sql immutable as 'select case when $1 is not null then $2 else $3 end';

-- Aggregates

create function stand_in.listagg_step(state text, value text, separator text) returns text
language sql immutable
return case when value is null or value = '' then state else coalesce(state || separator, '') || value end;
create aggregate pg_catalog.listagg(text, text) (sfunc = stand_in.listagg_step, stype = text);
create function stand_in.median_of(numbers double precision[]) returns double precision
language sql immutable
return (
    select percentile_cont(0.5) within group (order by value) from unnest(numbers) as listed (value)
);
create aggregate pg_catalog.median(double precision) (
    sfunc = array_append, stype = double precision[], finalfunc = stand_in.median_of
);

-- The session

create function pg_catalog.version() returns text
language sql immutable
return 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2, Redshift 1.0 (stand-in)';
-- A COPY that failed has undone what it set, with its transaction; its row in load_history is still there.
create function stand_in.last_failed_copy() returns bigint
language plpgsql stable security definer as $$
begin
    return (select max(query_id) from stand_in.load_history where session_id = pg_backend_pid() and status = 'aborted');
end
$$;
create function stand_in.last_copy(field text) returns bigint
language sql stable return nullif(current_setting('stand_in.last_copy_' || field, true), '')::bigint;
create function pg_catalog.pg_last_copy_count() returns bigint
language sql stable
return case
    when stand_in.last_failed_copy() > coalesce(stand_in.last_copy('id'), 0) then 0
    else coalesce(stand_in.last_copy('count'), 0)
end;
create function pg_catalog.pg_last_copy_id() returns integer
language sql stable return coalesce(greatest(stand_in.last_copy('id'), stand_in.last_failed_copy()), -1)::integer;
