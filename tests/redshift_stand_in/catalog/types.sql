-- Types, and how their values are compared, cut and converted.
set allow_system_table_mods = on;

create schema stand_in;
grant usage on schema stand_in to public;

create domain pg_catalog.super as jsonb;
create domain pg_catalog.varbyte as bytea;

-- A length counts bytes. An explicit cast cuts at a character; anything else is refused unless only blanks are lost.
create function stand_in.fit(value varchar, bytes integer, is_explicit boolean) returns varchar
language plpgsql immutable strict as $$
declare
    cut varchar := left(value, bytes);
begin
    while octet_length(cut) > bytes loop
        cut := left(cut, -1);
    end loop;
    if not is_explicit and rtrim(substr(value, length(cut) + 1), ' ') <> '' then
        raise exception 'value too long for type character varying(%)', bytes using errcode = '22001';
    end if;
    return cut;
end
$$;

create function stand_in.varchar_length(character varying, integer, boolean) returns character varying
language sql immutable strict
return case when octet_length($1) <= $2 - 4 then $1 else stand_in.fit($1, $2 - 4, $3) end;
update pg_cast set castfunc = 'stand_in.varchar_length'::regproc
where castsource = 'varchar'::regtype and casttarget = 'varchar'::regtype;

-- Blanks at the end make no difference where values are compared, sorted or grouped: as PostgreSQL's own char has it.
create function stand_in.varchar_eq(varchar, varchar) returns boolean language internal immutable strict as 'bpchareq';
create function stand_in.varchar_ne(varchar, varchar) returns boolean language internal immutable strict as 'bpcharne';
create function stand_in.varchar_lt(varchar, varchar) returns boolean language internal immutable strict as 'bpcharlt';
create function stand_in.varchar_le(varchar, varchar) returns boolean language internal immutable strict as 'bpcharle';
create function stand_in.varchar_gt(varchar, varchar) returns boolean language internal immutable strict as 'bpchargt';
create function stand_in.varchar_ge(varchar, varchar) returns boolean language internal immutable strict as 'bpcharge';
create function stand_in.varchar_cmp(varchar, varchar) returns integer language internal immutable strict as 'bpcharcmp';
create function stand_in.varchar_hash(varchar) returns integer language internal immutable strict as 'hashbpchar';

create operator pg_catalog.= (
    leftarg = varchar, rightarg = varchar, function = stand_in.varchar_eq,
    commutator = operator(pg_catalog.=), negator = operator(pg_catalog.<>), restrict = eqsel, join = eqjoinsel,
    hashes, merges
);
create operator pg_catalog.<> (
    leftarg = varchar, rightarg = varchar, function = stand_in.varchar_ne,
    commutator = operator(pg_catalog.<>), negator = operator(pg_catalog.=), restrict = neqsel, join = neqjoinsel
);
create operator pg_catalog.< (
    leftarg = varchar, rightarg = varchar, function = stand_in.varchar_lt,
    commutator = operator(pg_catalog.>), negator = operator(pg_catalog.>=), restrict = scalarltsel, join = scalarltjoinsel
);
create operator pg_catalog.<= (
    leftarg = varchar, rightarg = varchar, function = stand_in.varchar_le,
    commutator = operator(pg_catalog.>=), negator = operator(pg_catalog.>), restrict = scalarlesel, join = scalarlejoinsel
);
create operator pg_catalog.> (
    leftarg = varchar, rightarg = varchar, function = stand_in.varchar_gt,
    commutator = operator(pg_catalog.<), negator = operator(pg_catalog.<=), restrict = scalargtsel, join = scalargtjoinsel
);
create operator pg_catalog.>= (
    leftarg = varchar, rightarg = varchar, function = stand_in.varchar_ge,
    commutator = operator(pg_catalog.<=), negator = operator(pg_catalog.<), restrict = scalargesel, join = scalargejoinsel
);
create operator class stand_in.varchar_order default for type varchar using btree as
    operator 1 pg_catalog.< (varchar, varchar), operator 2 pg_catalog.<= (varchar, varchar),
    operator 3 pg_catalog.= (varchar, varchar), operator 4 pg_catalog.>= (varchar, varchar),
    operator 5 pg_catalog.> (varchar, varchar), function 1 stand_in.varchar_cmp(varchar, varchar);
create operator class stand_in.varchar_hashed default for type varchar using hash as
    operator 1 pg_catalog.= (varchar, varchar), function 1 stand_in.varchar_hash(varchar);

-- A boolean is no text. Without a cast of its own PostgreSQL would go by way of the output's text.
create function stand_in.refuse_boolean(boolean) returns text language plpgsql immutable as $$
begin
    raise exception 'cannot cast type boolean to character varying' using errcode = '42846';
end
$$;
update pg_cast set castfunc = 'stand_in.refuse_boolean'::regproc
where castsource = 'boolean'::regtype and casttarget in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype);

-- The mean of integers is an integer.
create function stand_in.bigint_accumulate(state bigint[], value bigint) returns bigint[]
language sql immutable
return case when value is null then state else array[state[1] + 1, state[2] + value] end;
create function stand_in.integer_average(state bigint[]) returns bigint
language sql immutable
return state[2] / nullif(state[1], 0);
update pg_proc set prorettype = 'bigint'::regtype
where oid in ('avg(smallint)'::regprocedure, 'avg(integer)'::regprocedure, 'avg(bigint)'::regprocedure);
update pg_aggregate set aggfinalfn = 'stand_in.integer_average'::regproc, aggmtransfn = 0, aggminvtransfn = 0,
    aggmfinalfn = 0, aggmtranstype = 0
where aggfnoid in ('avg(smallint)'::regprocedure, 'avg(integer)'::regprocedure);
update pg_aggregate set aggfinalfn = 'stand_in.integer_average'::regproc,
    aggtransfn = 'stand_in.bigint_accumulate'::regproc, aggtranstype = 'bigint[]'::regtype, agginitval = '{0,0}',
    aggcombinefn = 0, aggserialfn = 0, aggdeserialfn = 0, aggmtransfn = 0, aggminvtransfn = 0, aggmfinalfn = 0,
    aggmtranstype = 0
where aggfnoid = 'avg(bigint)'::regprocedure;
