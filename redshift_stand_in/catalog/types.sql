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

-- Blanks at the end make no difference where texts are compared, sorted, joined or grouped: so it is with PostgreSQL's own
-- char, whose functions text and varchar are given.
create function stand_in.text_eq(text, text) returns boolean language internal immutable strict as 'bpchareq';
create function stand_in.text_ne(text, text) returns boolean language internal immutable strict as 'bpcharne';
create function stand_in.text_lt(text, text) returns boolean language internal immutable strict as 'bpcharlt';
create function stand_in.text_le(text, text) returns boolean language internal immutable strict as 'bpcharle';
create function stand_in.text_gt(text, text) returns boolean language internal immutable strict as 'bpchargt';
create function stand_in.text_ge(text, text) returns boolean language internal immutable strict as 'bpcharge';
create function stand_in.text_cmp(text, text) returns integer language internal immutable strict as 'bpcharcmp';
create function stand_in.text_hash(text) returns integer language internal immutable strict as 'hashbpchar';
create function stand_in.text_hash_extended(text, bigint) returns bigint
language internal immutable strict as 'hashbpcharextended';
update pg_operator set oprcode = 'stand_in.text_eq'::regproc where oid = '=(text, text)'::regoperator;
update pg_operator set oprcode = 'stand_in.text_ne'::regproc where oid = '<>(text, text)'::regoperator;
update pg_operator set oprcode = 'stand_in.text_lt'::regproc where oid = '<(text, text)'::regoperator;
update pg_operator set oprcode = 'stand_in.text_le'::regproc where oid = '<=(text, text)'::regoperator;
update pg_operator set oprcode = 'stand_in.text_gt'::regproc where oid = '>(text, text)'::regoperator;
update pg_operator set oprcode = 'stand_in.text_ge'::regproc where oid = '>=(text, text)'::regoperator;
update pg_amproc set amproc = replacement.function
from (
    values
        ('bttextcmp'::regproc, 'stand_in.text_cmp'::regproc),
        ('bttextsortsupport'::regproc, 'bpchar_sortsupport'::regproc),
        ('hashtext'::regproc, 'stand_in.text_hash'::regproc),
        ('hashtextextended'::regproc, 'stand_in.text_hash_extended'::regproc)
) as replacement (original, function)
where pg_amproc.amproc = replacement.original and pg_amproc.amproclefttype = 'text'::regtype;

-- A boolean is no text. Without a cast of its own PostgreSQL would go by way of the output's text. The call without an
-- argument is worked out while the statement is planned, so that it is refused over an empty table too.
create function stand_in.no_text_of_boolean() returns text language plpgsql immutable as $$
begin
    raise exception 'cannot cast type boolean to character varying' using errcode = '42846';
end
$$;
create function stand_in.refuse_boolean(boolean) returns text
language sql immutable as 'select stand_in.no_text_of_boolean()';
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
