"""The stand-in takes what Redshift takes, with its meaning, and refuses what it refuses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from stand_in_clients import Client, connect

from redshift_stand_in import StandIn


@pytest.fixture(scope="module")
def redshift(stand_in: StandIn) -> Iterator[Client]:
    stand_in.create_database("statements")
    connection = connect(stand_in, "statements")
    client = Client(connection)
    client.run(
        "create table t (a integer, b varchar(10), c timestamp, d boolean, s super) distkey(a)",
        "insert into t values (1, 'x', '2020-01-01', true, null), (2, 'y ', '2020-01-02', false, null), "
        "(2, 'y', '2020-01-03', false, null)",
        "create table other (a integer, b varchar(10))",
        "insert into other values (2, 'o'), (3, 'p')",
        "create table empty_table (flag boolean)",
    )
    yield client
    connection.close()


_LEADER = "not supported on Redshift tables"
_CONSTANT = "constant expressions are not supported in partition by clauses"
_FRAME = "require a frame clause"
_PATTERN = "must be a valid UTF-8 literal"

REFUSED = [
    # Constructs that PostgreSQL has.
    ("select distinct on (a) a, b from t", "0A000", "DISTINCT ON"),
    ("insert into t (a) values (1) on conflict do nothing", "0A000", "ON CONFLICT"),
    ("insert into t (a) values (1) returning a", "42601", "returning"),
    ("update t set a = a returning a", "42601", "returning"),
    ("delete from t returning a", "42601", "returning"),
    ("with x as (select 1 as a) insert into t (a) select a from x", "42601", "insert"),
    ("with x as (delete from t returning a) select a from x", "0A000", "WITH"),
    ("with x as materialized (select 1 as a) select a from x", "42601", "materialized"),
    ("select count(*) filter (where a > 1) from t", "42601", "syntax error"),
    ("select a from t cross join lateral (select 1) as x", "0A000", "LATERAL"),
    ("select array[1, 2]", "0A000", "array"),
    ("select array(select a from t)", "0A000", "array"),
    ("select a from t where a = any('{1,2}')", "0A000", "array"),
    ("create table refused (a integer[])", "0A000", "array"),
    ("select s[0] from t", "58000", "SUPER"),
    ("select row(1, 2)", "0A000", "row"),
    ("select a from t where a is distinct from 1", "42601", "distinct"),
    ("select a from t where a is not distinct from 1", "42601", "distinct"),
    ("select sum(a) over w from t window w as (partition by b)", "0A000", "WINDOW"),
    ("select a from t for update", "0A000", "FOR UPDATE"),
    ("select a from t for share", "0A000", "FOR UPDATE"),
    ("values (1), (2)", "42601", "values"),
    ("select * from (values (1), (2)) as x (a)", "42601", "values"),
    ("with x as (values (1)) select * from x", "42601", "values"),
    ("select a from t tablesample system (10)", "42601", "tablesample"),
    ("select a from t order by a fetch first 1 rows with ties", "0A000", "TIES"),
    ("select b collate \"C\" from t", "58000", "COLLATE"),
    ("select s -> 'a' from t", "42883", "->"),
    ("select json_object('a': 1)", "0A000", "Json"),
    # Functions that it does not document, those of the leader node, those of the compute nodes.
    ("select array_agg(a) from t", "42883", "array_agg"),
    ("select string_agg(b, ',') from t", "42883", "string_agg"),
    ("select pg_catalog.string_agg(b, ',') from t", "42883", "string_agg"),
    ("select unnest('{1,2}'::integer)", "42883", "unnest"),
    ("select regexp_matches(b, 'x') from t", "42883", "regexp_matches"),
    ("select gen_random_uuid()", "42883", "gen_random_uuid"),
    ("select no_such_function(1)", "42883", "no_such_function"),
    ("select no_such_schema.no_such_function(1)", "42883", "no_such_function"),
    ("select format('%s', b) from t", "42883", "format"),
    ("select array_to_string(a, ',') from t", "42883", "array_to_string"),
    ("select a, generate_series(1, 2) from t", "0A000", _LEADER),
    ("create table refused as select generate_series(1, 2) as a", "0A000", _LEADER),
    ("insert into other (a) select generate_series(1, 2)", "0A000", _LEADER),
    ("select now() from t", "0A000", _LEADER),
    ("select current_timestamp from t", "0A000", _LEADER),
    ("select age(c) from t", "0A000", _LEADER),
    ("select substr(b, 1) from t", "0A000", "use SUBSTRING instead"),
    ("select relname from pg_class, t", "0A000", _LEADER),
    ("select table_name from information_schema.tables inner join other on true", "0A000", _LEADER),
    ("create table refused as select relname from pg_class", "0A000", _LEADER),
    ("with x as (select 'a' as b) select listagg(b, ',') from x", "0A000", "user created tables"),
    ("with x as (select 1 as b) select median(b) from x", "0A000", "user created tables"),
    # Patterns.
    ("select b ~ b from t", "0A000", _PATTERN),
    ("select b !~* b from t", "0A000", _PATTERN),
    ("select regexp_replace(b, b) from t", "0A000", _PATTERN),
    ("select regexp_substr(b, 'x' || b) from t", "0A000", _PATTERN),
    ("select regexp_count(b, b) from t", "0A000", _PATTERN),
    ("select regexp_replace(b, 'x', 'y', 'g') from t", "22P02", "integer"),
    # Windows.
    ("with x as (select 'u' as k, a from t) select row_number() over (partition by k order by a) from x",
     "0A000", _CONSTANT),
    ("with x as (select cast('u' as varchar) as k, a from t) select row_number() over (partition by k) from x",
     "0A000", _CONSTANT),
    ("with x as (select 'a' || '.' || 'b' as k, a from t) select row_number() over (partition by k) from x",
     "0A000", _CONSTANT),
    ("with x as (select 'u' as k union all select 'v' as k), y as (select * from x) "
     "select row_number() over (partition by y.k) from y", "0A000", _CONSTANT),
    ("select row_number() over (partition by z.k) from (select 'u' as k, a from t) as z", "0A000", _CONSTANT),
    ("select row_number() over (partition by 'u' order by a) from t", "0A000", _CONSTANT),
    ("select sum(a) over (order by c) from t", "0A000", _FRAME),
    ("select first_value(a) over (partition by b order by c) from t", "0A000", _FRAME),
    ("select sum(a) over (order by a range unbounded preceding) from t", "0A000", "ROWS"),
    ("select sum(a) over (order by a groups unbounded preceding) from t", "0A000", "ROWS"),
    ("select sum(a) over (order by a rows unbounded preceding exclude current row) from t", "42601", "exclude"),
    # QUALIFY and its neighbours.
    ("select a from t qualify row_number() over (partition by a order by c) = 1", "42601", "qualify"),
    ("select b as a from t as u where true qualify count(*) over (partition by a) = 1", "58000", "QUALIFY"),
    ("select * exclude (no_such_column) from t", "42703", "no_such_column"),
    ("select * exclude (a), b from t", "42601", "exclude"),
    # Types and casts.
    ("select a::boolean::varchar from t", "42846", "cannot cast type boolean"),
    ("select flag::varchar from empty_table", "42846", "cannot cast type boolean"),
    ("select 1.5::boolean", "42846", "cannot cast type numeric to boolean"),
    ("create table refused (a uuid)", "0A000", "uuid"),
    ("create table refused (a jsonb)", "0A000", "jsonb"),
    ("create table refused (a bytea)", "0A000", "bytea"),
    ("create table refused (a serial)", "0A000", "serial"),
    ("create table refused (a timestamp(3))", "42601", "syntax error"),
    ("create table refused (a name)", "0A000", "name"),
    ("select ''::integer", "22P02", "integer"),
    ("select '3.7'::integer", "22P02", "integer"),
    # Tables and what goes with them.
    ("create table refused (a integer check (a > 0))", "0A000", "CHECK"),
    ("create table refused (a integer generated always as (1) stored)", "42601", ""),
    ("create unlogged table refused (a integer)", "42601", "unlogged"),
    ("create table refused (a integer) inherits (t)", "42601", "inherits"),
    ("create table refused (a integer) partition by range (a)", "42601", "partition"),
    ("create table refused (a integer) diststyle even distkey(a)", "42601", "DISTKEY"),
    ("create table refused (a integer) diststyle key", "42601", "DISTKEY"),
    ("create table refused (a integer) distkey(no_such_column)", "42703", "no_such_column"),
    ("create table refused (a integer) sortkey(no_such_column)", "42703", "no_such_column"),
    ("create table refused (like t including all)", "42601", "including"),
    ("create table if not exists refused as select 1 as a", "42601", "as"),
    ("create table refused (i integer identity(1))", "42601", "IDENTITY"),
    ("create table refused (timestamp timestamp)", "42601", "timestamp"),
    ("create table refused (tag integer)", "42601", "tag"),
    ("select 1 as user", "42601", "user"),
    ("with tag as (select 1 as a) select a from tag", "42601", "tag"),
    ("create index refused on t (a)", "0A000", "Index"),
    ("create sequence refused", "0A000", "Seq"),
    ("create type refused as (a integer)", "0A000", "Type"),
    ("create type refused as enum ('a')", "0A000", "Enum"),
    ("create domain refused as integer", "0A000", "Domain"),
    ("create extension hstore", "0A000", "Extension"),
    ("create trigger refused before insert on t for each row execute function f()", "0A000", "Trig"),
    ("create rule refused as on insert to t do nothing", "0A000", "Rule"),
    ("do $$ begin end $$", "42601", "do"),
    ("alter table t add column e integer, add column f integer", "42601", "one action"),
    ("alter table t alter column a set not null", "0A000", "SetNotNull"),
    ("alter table t alter column a set default 1", "0A000", "Default"),
    ("drop index refused", "0A000", "INDEX"),
    ("lock table t in share mode", "42601", "in"),
    ("create view bound as select a from no_such_table", "42P01", "no_such_table"),
    ("create view late as select a from t with no schema binding", "42601", "qualified"),
    ("truncate t, other", "42601", "truncate"),
    ("truncate t cascade", "42601", "truncate"),
    ("set work_mem = '1MB'", "42704", "work_mem"),
    ("explain (analyze) select a from t", "42601", "syntax error"),
    # MERGE.
    ("merge into t as x using other on x.a = other.a when matched then delete "
     "when not matched then insert (a) values (other.a)", "42601", "as"),
    ("merge into t using t on t.a = t.a when matched then delete when not matched then insert (a) values (1)",
     "0A000", "same table"),
    ("merge into t using (select a from t) as x on t.a = x.a when matched then delete "
     "when not matched then insert (a) values (x.a)", "0A000", "cannot reference target"),
    ("with x as (select 1 as a) merge into t using x on t.a = x.a when matched then delete "
     "when not matched then insert (a) values (x.a)", "0A000", "WITH"),
    ("merge into t using other on t.a = other.a when matched and true then delete "
     "when not matched then insert (a) values (other.a)", "42601", "and"),
    ("merge into t using other on t.a = other.a when matched then delete", "42601", "MERGE takes"),
    ("merge into t using other on t.a = other.a when matched then do nothing "
     "when not matched then insert (a) values (other.a)", "42601", "do"),
    ("merge into t using other on t.a = other.a remove duplicates", "58000", "REMOVE DUPLICATES"),
    # Transactions.
    ("savepoint x", "0A000", "savepoint"),
    ("prepare transaction 'x'", "0A000", "two-phase"),
    # What it has and the stand-in does not.
    ("unload ('select 1') to 's3://b/k' iam_role default", "58000", "UNLOAD"),
    ("select ratio_to_report(a) over (partition by b) from t", "58000", "ratio_to_report"),
    ("alter table t append from other", "58000", "APPEND"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "sqlstate", "message"), REFUSED)
def test_what_redshift_refuses_is_refused(redshift: Client, sql: str, sqlstate: str, message: str) -> None:
    found = redshift.refusal(sql)
    assert found[0] == sqlstate, found
    assert message.lower() in found[1].lower()


def _day(*numbers: int) -> dt.datetime:
    return dt.datetime(*numbers)  # noqa: DTZ001  # a timestamp has no zone


ACCEPTED: list[tuple[str, Any]] = [
    # Integers, numbers, truth.
    ("select 7 / 2, -7 / 2, 7 % 2", (3, -3, 1)),
    ("select avg(a), sum(a), count(a) from t", (1, 5, 3)),
    ("select median(a) from t", 2),
    ("select 2.5::numeric, '7.4'::decimal", (3, 7)),
    ("select ' 7 '::integer", 7),
    ("select strtol('ff', 16), strtol(substring(md5('a'), 1, 15), 16)", (255, 0x0CC175B9C0F1B6A)),
    ("select 'yes'::boolean, 'f'::boolean, 1::boolean", (True, False, True)),
    ("select convert(integer, '7')", 7),
    ("select nvl(null, 3), nvl2(null::integer, 1, 2), coalesce(null, 4)", (3, 2, 4)),
    ("select decode(null, null, 'none', 'some'), decode(2, 1, 'a', 2, 'b'), decode(9, 1, 'a', 'z')",
     ("none", "b", "z")),
    # Texts: bytes, blanks, escapes, patterns.
    ("select len('français'), octet_length('français'), length('x ')", (8, 9, 2)),
    ("select 'x ' = 'x', 'x' = 'x  ', 'x ' in ('x'), ' x' = 'x'", (True, True, True, False)),
    ("select nullif('  ', '')", None),
    ("select count(distinct b), count(*) from t where lower(b) = 'y'", (1, 2)),
    ("select count(*) from (select distinct b from t) as x", 2),
    ("select count(*) from (select b from t group by b) as x", 2),
    ("select count(*) from t as u inner join t as v on u.b = v.b", 5),
    ("select md5('x ') = md5('x')", False),
    ("select b || '!' from t order by c", [("x!",), ("y !",), ("y!",)]),
    (r"select 'it\'s', 'a\\d', 'tab\there'", ("it's", r"a\d", "tab\there")),
    (r"select 'a1b2' ~ '\\d', regexp_replace('a1b2', '\\d'), regexp_replace('a1b2', '[a-z]', 'x')",
     (True, "ab", "x1x2")),
    ("select regexp_substr('abc', 'b+'), regexp_substr('abc', 'z'), regexp_count('aab', 'a'), regexp_instr('abc', 'c')",
     ("b", "", 2, 3)),
    ("select 'abc' like 'a%', 'a_c' like 'a!_c' escape '!', 'abc' similar to '(a|b)%'", (True, True, True)),
    ("select b like b, b similar to b from t limit 1", (True, True)),
    ("select charindex('b', 'abc'), strpos('abc', 'z'), left('abc', 2), split_part('a,b', ',', 3)", (2, 0, "ab", "")),
    ("select trim(both 'x' from 'xax'), translate('mint', 'inea', 'osin')", ("a", "most")),
    ("select 'abcdef'::varchar(3), cast('ééé' as varchar(5))", ("abc", "éé")),
    ("select len(rpad('x', 300)::varchar), len(rpad('x', 300)::text), len(rpad('x', 300)::varchar(max))",
     (256, 256, 300)),
    ("select concat('a', 'b'), 'a' || null", ("ab", None)),
    ("select listagg(b, ',') within group (order by c) from t", "x,y ,y"),
    ("select listagg(distinct b, ',') within group (order by b) from t", ["x,y ", "x,y"]),
    ("select listagg(nullif(b, 'x'), '-') within group (order by c), listagg(b) within group (order by c) from t",
     ("y -y", "xy y")),
    # Dates.
    ("select datediff(year, '2008-12-31', '2009-01-01'), datediff('hour', '2020-01-01 8:30', '2020-01-01 10:00')",
     (1, 2)),
    ("select datediff(qtr, '2008-12-31'::date, '2009-01-01'::date), datediff(day, '2020-01-02', '2020-01-01')",
     (1, -1)),
    ("select datediff(minute, '2020-01-01 00:00:59', '2020-01-01 00:01:00'), datediff(m, '2020-01-01', '2020-01-02')",
     (1, 1440)),
    ("select dateadd(month, 1, '2008-04-30'), add_months('2008-04-30', 1)", (_day(2008, 5, 30), _day(2008, 5, 31))),
    ("select dateadd(year, 1, '2016-02-29'), dateadd(month, 12, '2016-02-29')", (_day(2017, 3, 1), _day(2017, 2, 28))),
    ("select dateadd(day, 1, c) from t where a = 1", _day(2020, 1, 2)),
    ("select extract(ms from '2020-01-01 08:43:43.101'::timestamp), "
     "extract(second from '2020-01-01 08:43:43.9'::timestamp), extract(week from '2022-05-02'::date)", (101, 43, 18)),
    ("select date_part(dow, '2024-01-07'::date), extract(weekday from '2024-01-07'::timestamp), "
     "date_part('epoch', '1970-01-02'::timestamp)", (0, 0, 86400)),
    ("select date_trunc('week', '2024-01-07'::timestamp), trunc('2024-01-07 05:00'::timestamp)",
     (_day(2024, 1, 1), dt.date(2024, 1, 7))),
    ("select convert_timezone('US/Pacific', '2008-03-05 09:25:29'), "
     "convert_timezone('EST', 'PST', '2008-03-05 12:25:29')",
     (_day(2008, 3, 5, 1, 25, 29), _day(2008, 3, 5, 9, 25, 29))),
    ("select timestamp 'epoch' + 86400 * interval '1 second'", _day(1970, 1, 2)),
    ("select '2020-01-03'::date - '2020-01-01'::date, last_day('2004-02-01')", (2, dt.date(2004, 2, 29))),
    ("select getdate() <= sysdate + interval '1 hour', '01/02/2018'::date", (True, dt.date(2018, 1, 2))),
    # QUALIFY, EXCLUDE, GROUP BY ALL, TOP.
    ("select a, b as id from t as u qualify row_number() over (partition by u.a order by u.c) = 1 order by a",
     [(1, "x"), (2, "y ")]),
    ("select a from t where a > 1 qualify row_number() over (partition by a order by c desc) = 1", 2),
    ("select a, row_number() over (partition by a order by c) as n from t as u qualify n = 2", (2, 2)),
    ("with x as (select a, c from t as u qualify rank() over (order by c desc) = 1) select a, c from x",
     (2, _day(2020, 1, 3))),
    ("select u.a, v.a from t as u inner join other as v on u.a = v.a where true "
     "qualify row_number() over (partition by u.a order by u.c) = 1", (2, 2)),
    ("select b from t as u qualify row_number() over (partition by a order by c) = 1 order by c desc limit 1", "y "),
    ("select a, count(*) from t as u group by a qualify row_number() over (order by count(*) desc) = 1", (2, 2)),
    ("select upper(u.b) as b from t as u where u.a = 1 qualify row_number() over (partition by u.b order by u.c) = 1",
     "X"),
    ("select * exclude (c, d, s) from t where a = 1", (1, "x")),
    ("select * exclude c, d, s, b from t where a = 1", 1),
    ("select u.*, v.a as other_a exclude (c, d, s) from t as u inner join other as v on u.a = v.a "
     "where u.c = '2020-01-03'",
     (2, "y", 2)),
    ("select a, count(*) as n from t group by all order by a", [(1, 1), (2, 2)]),
    ("select count(*) from t group by all", 3),
    ("select top 1 a from t order by a desc", 2),
    ("select a from t minus select a from other", 1),
    # Windows.
    ("select a, sum(a) over (order by c rows unbounded preceding) from t order by c", [(1, 1), (2, 3), (2, 5)]),
    ("select count(*) over (partition by a) from t order by c", [(1,), (2,), (2,)]),
    ("with x as (select cast('u' as varchar(8)) as k, a from t) select count(*) over (partition by k) from x limit 1",
     3),
    # Names.
    ('select "A" from (select 1 as a) as x', 1),
    ("select 'x' as \"Größe\"", "x"),
    ('select "timestamp" from (select 5 as "timestamp") as x', 5),
    # SUPER.
    ("select json_serialize(json_parse('{\"a\": [1, 2]}'))", '{"a": [1, 2]}'),
    ("select json_extract_path_text('{\"a\": {\"b\": 7}}', 'a', 'b'), is_valid_json('{}'), is_valid_json('{')",
     ("7", True, False)),
    ("select get_array_length(json_parse('[1, 2, 3]'))", 3),
    # The leader node alone.
    ("select generate_series(1, 2)", [(1,), (2,)]),
    ("select substr('abc', 2), current_schema()", ("bc", "public")),
    ("select count(*) from pg_class where relname = 'other'", 1),
    # Recursion.
    ("with recursive x (n) as (select 1 union all select n + 1 from x where n < 3) select count(*) from x", 3),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), ACCEPTED)
def test_what_redshift_takes_has_its_meaning(redshift: Client, sql: str, expected: Any) -> None:
    found = redshift.rows(sql)
    if isinstance(expected, list) and expected and isinstance(expected[0], str):  # either will do
        assert found[0][0] in expected
    elif isinstance(expected, list):
        assert found == expected
    else:
        assert found == [expected if isinstance(expected, tuple) else (expected,)]


def test_keys_inform_and_not_null_is_enforced(redshift: Client) -> None:
    redshift.run(
        "create table keyed (id integer primary key, code varchar(5) not null unique, o integer references other (a), "
        "foreign key (o) references other (a))",
        "insert into keyed values (1, 'a', 99), (1, 'a', 99)",
    )
    assert redshift.rows("select count(*) from keyed") == [(2,)]
    state, message = redshift.refusal("insert into keyed values (null, 'b', 1)")
    assert (state, "Cannot insert a NULL value into column id" in message) == ("XX000", True)
    assert redshift.refusal("insert into keyed (id) values (1)")[0] == "XX000"


REFERENCE_IN_A_TEMPORARY_TABLE = [
    "create temp table keyed_t (o integer references other (a))",
    "create temporary table keyed_t (id integer primary key, o integer not null references public.other)",
    "create local temporary table if not exists keyed_t (o integer, foreign key (o) references other (a))",
    "create temporary table keyed_t (o integer, constraint led foreign key (o) references other (a))",
    "create table #keyed_t (o integer references other (a))",
    "alter table keyed_for_now add foreign key (o) references other (a)",
    "alter table keyed_for_now add constraint led foreign key (o) references other (a)",
]


def test_a_temporary_table_has_no_foreign_key(redshift: Client) -> None:
    redshift.run("create temporary table keyed_for_now (o integer primary key, p integer unique, unique (o, p))")
    words = "cannot reference permanent table from temporary table constraint"
    for sql in REFERENCE_IN_A_TEMPORARY_TABLE:
        state, message = redshift.refusal(sql)
        assert (state, words in message) == ("42P16", True), (sql, message)
    redshift.run(
        "alter table keyed_for_now add unique (p)",
        "create table permanent (o integer)",
        "alter table permanent add foreign key (o) references other (a)",
        "drop table permanent",
    )


def test_a_length_counts_bytes(redshift: Client) -> None:
    redshift.run("create table sized (five varchar(5), bare varchar, body text, largest varchar(max), one char)")
    redshift.run("insert into sized (five) values ('éé'), ('abcde   ')")
    assert redshift.rows("select five from sized order by len(five)") == [("éé",), ("abcde",)]
    refused = redshift.refusals(
        [
            "insert into sized (five) values ('ééé')",
            f"insert into sized (bare) values ('{'x' * 257}')",
            f"insert into sized (body) values ('{'x' * 257}')",
            "insert into sized (one) values ('xy')",
        ]
    )
    assert set(refused.values()) == {"22001"}
    redshift.run(f"insert into sized (largest) values ('{'x' * 65535}')")
    types = "select column_name, data_type from svv_redshift_columns where table_name = 'sized' order by 1"
    assert redshift.rows(types) == [
        ("bare", "character varying(256)"),
        ("body", "character varying(256)"),
        ("five", "character varying(5)"),
        ("largest", "character varying(65535)"),
        ("one", "character(1)"),
    ]


def test_identities_count_from_their_seed(redshift: Client) -> None:
    redshift.run(
        "create table always_made (i bigint identity(0, 1), x integer)",
        "insert into always_made (x) values (7), (8)",
        "create table by_default (i integer generated by default as identity(10, -2), x integer)",
        "insert into by_default values (default, 1), (5, 2), (default, 3)",
    )
    assert redshift.rows("select i from always_made order by i") == [(0,), (1,)]
    assert redshift.rows("select i from by_default order by x") == [(10,), (5,), (8,)]
    assert redshift.refusal("insert into always_made values (5, 5)")[0] == "428C9"


def test_merge_updates_inserts_and_refuses_a_second_match(redshift: Client) -> None:
    redshift.run("create table target (id integer, v varchar(5))", "insert into target values (1, 'old'), (2, 'keep')")
    merge = (
        "merge into target using ({source}) as s on target.id = s.id when matched then update set v = s.v "
        "when not matched then insert (id, v) values (s.id, s.v)"
    )
    redshift.run(merge.format(source="select 1 as id, 'new' as v union all select 3, 'more'"))
    assert redshift.rows("select id, v from target order by id") == [(1, "new"), (2, "keep"), (3, "more")]
    state, message = redshift.refusal(merge.format(source="select 1 as id, 'a' as v union all select 1, 'b'"))
    assert (state, "multiple matches" in message) == ("XX000", True)


def test_a_late_binding_view_outlives_what_it_reads(redshift: Client) -> None:
    redshift.run(
        "create view late as select a from public.swapped with no schema binding",
        "create table swapped (a integer)",
    )
    assert redshift.rows("select * from late") == []
    redshift.run(
        "create table swapped__tmp as select 5 as a",
        "alter table swapped rename to swapped__backup",
        "alter table swapped__tmp rename to swapped",
        "drop table swapped__backup cascade",
    )
    assert redshift.rows("select * from late") == [(5,)]
    columns = "select * from pg_get_late_binding_view_cols() cols(s name, v name, c name, t varchar, n integer)"
    assert redshift.rows(columns) == [("public", "late", "a", "integer", 1)]
    redshift.run("drop table swapped")
    assert redshift.refusal("select * from late")[0] == "42P01"
    redshift.run("drop view late", "create table swapped (a integer)")
    assert redshift.refusal("select * from late")[0] == "42P01"


def test_a_bound_view_holds_its_table(redshift: Client) -> None:
    redshift.run("create table held (a integer)", "create view holding as select a from held")
    assert redshift.refusal("drop table held")[0] == "2BP01"
    redshift.run("drop table held cascade")
    assert redshift.refusal("select * from holding")[0] == "42P01"


def test_truncate_commits_and_vacuum_wants_no_transaction(redshift: Client) -> None:
    redshift.run("create table cleared (a integer)", "insert into cleared values (1)")
    redshift.run("begin", "insert into other values (77, 'kept')", 'truncate table "CLEARED"', "rollback")
    assert redshift.rows("select count(*) from cleared") == [(0,)]
    assert redshift.rows("select b from other where a = 77") == [("kept",)]
    redshift.run("delete from other where a = 77", "vacuum", "vacuum full other to 99 percent", "begin")
    assert redshift.refusal("vacuum other")[0] == "25001"
    assert redshift.refusal("set query_group to 'x'")[0] == "25P02"
    redshift.run("rollback", "analyze other", "set query_group to 'x'", "begin", "analyze other", "end")


def test_a_read_only_transaction_reads(redshift: Client) -> None:
    refused = (
        "insert into other values (99, 'no')",
        "select a into more from other",
        "truncate other",
        "drop table other",
    )
    for sql in refused:
        redshift.run("begin read only", "select count(*) from other")
        state, text = redshift.refusal(sql)
        assert (state, "transaction is read-only" in text) == ("25006", True), sql
        redshift.run("rollback")
    redshift.run("start transaction isolation level serializable read only", "select 1", "commit")
    redshift.run("begin read write", "insert into other values (99, 'written')", "rollback")


def test_a_refused_statement_fails_its_transaction(redshift: Client) -> None:
    redshift.run("begin", "insert into other values (88, 'lost')")
    assert redshift.refusal("select string_agg(b, ',') from other")[0] == "42883"
    assert redshift.refusal("select 1")[0] == "25P02"
    redshift.run("rollback")
    assert redshift.rows("select count(*) from other where a = 88") == [(0,)]


def test_distribution_sorting_and_skew_are_shown(redshift: Client) -> None:
    digits = " union all ".join(f"select {number} as n" for number in range(10))
    redshift.run(
        "create table numbers (n integer)",
        f"insert into numbers select x.n * 100 + y.n * 10 + z.n from ({digits}) x, ({digits}) y, ({digits}) z",
        "create table spread distkey(n) compound sortkey(n, m) as select n, n as m from numbers",
        "create table mostly_null distkey(k) as select case when n < 50 then n end as k from numbers",
        "create table everywhere diststyle all as (select n from numbers)",
        "create table evenly diststyle even interleaved sortkey(n) as select n from numbers",
        "create table by_column (n integer encode az64 distkey sortkey, m varchar(5) encode lzo) backup no",
        "insert into by_column values (1, 'a')",
        "create table like_spread (like spread)",
        "insert into like_spread select * from spread",
        "create table nothing_in_it (n integer)",
    )
    found = {
        row[0]: row[1:]
        for row in redshift.rows('select "table", diststyle, sortkey1, sortkey_num, tbl_rows from svv_table_info')
    }
    assert found["spread"] == ("KEY(n)", "n", 2, 1000)
    assert found["like_spread"] == ("KEY(n)", "n", 2, 1000)
    assert found["by_column"] == ("KEY(n)", "n", 1, 1)
    assert found["everywhere"][0] == "ALL"
    assert found["evenly"][0] == "EVEN"
    assert found["numbers"][:2] == ("AUTO(ALL)", "AUTO(SORTKEY)")
    assert "nothing_in_it" not in found
    skew = dict(redshift.rows("select \"table\", skew_rows from svv_table_info where diststyle like 'KEY%'"))
    assert skew["spread"] < Decimal("1.5")
    assert skew["mostly_null"] > 50
    columns = "select column_name, distkey, sortkey from svv_redshift_columns where table_name = 'spread' order by 1"
    assert redshift.rows(columns) == [("m", False, 2), ("n", True, 1)]


def test_grants_go_to_users_groups_and_roles(stand_in: StandIn, redshift: Client) -> None:
    redshift.run(
        "create user reader_one password 'Reader-One-1'",
        "create user reader_two password 'Reader-Two-2'",
        "create group readers",
        "alter group readers add user reader_one",
        "create role analysts",
        "grant role analysts to reader_two",
        "create schema granted",
        "create table granted.by_group (a integer)",
        "create table granted.by_role (a integer)",
        "grant usage on schema granted to group readers",
        "grant usage on schema granted to role analysts",
        "grant select on granted.by_group to group readers",
        "grant select on granted.by_role to role analysts",
    )
    one = Client(connect(stand_in, "statements", user="reader_one", password="Reader-One-1"))  # noqa: S106
    two = Client(connect(stand_in, "statements", user="reader_two", password="Reader-Two-2"))  # noqa: S106
    assert one.rows("select * from granted.by_group") == two.rows("select * from granted.by_role") == []
    assert (
        one.refusal("select * from granted.by_role")[0] == two.refusal("select * from granted.by_group")[0] == "42501"
    )
    assert one.refusal("insert into granted.by_group values (1)")[0] == "42501"
    assert one.refusal("alter user reader_two password 'Taken-Over-1'")[0] == "42501"
    assert two.rows("select 1") == [(1,)]
    redshift.run("revoke select on granted.by_role from role analysts")
    assert two.refusal("select * from granted.by_role")[0] == "42501"
    assert redshift.refusal("create user weak password 'weak'")[0] == "42601"
    for client in (one, two):
        client.connection.close()
