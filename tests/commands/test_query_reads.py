"""A query of the user's own reads the warehouse; whatever else a statement would do is refused, on both engines."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb
import psycopg2
import pytest
from benches import Bench, RedshiftBench
from stand_in_clients import connect

from pipeline.errors import UsageError
from pipeline.warehouse.ask import ONLY_READS, ask
from pipeline.warehouse.warehouse import Warehouse
from redshift_stand_in import StandIn

READS = (
    "select a from kept",
    "SELECT a FROM kept;",
    "(select a from kept)",
    "with x as (select a from kept) select a from x",
    "-- why, /* and\n/* how; -- */ select a from kept -- 'all'",
    "select a from kept where 'x;y' <> ';' and '100%' like '1%'",
)
WRITES = (
    "insert into kept values (2)",
    "with x as (select 2 as a) insert into kept select a from x",
    "/* select */ update kept set a = 2",
    "delete from kept",
    "truncate kept",
    "drop table kept",
    "alter table kept add column b integer",
    "create table other as select 1 as a",
    "create temp table other as select 1 as a",
    "create view seen as select a from kept",
    "grant select on kept to public",
    "set timezone = 'UTC'",
    "begin",
    "begin; insert into kept values (2); commit",
    "select a from kept; drop table kept",
    "select 1; commit; drop table kept",
    "commit",
    "vacuum",
    "",
    "-- select",
)
DUCKDB_ONLY = (
    "copy kept to '{folder}/out.csv'",
    "copy (select 1) to '{folder}/out.csv'",
    "copy kept from '{folder}/in.csv'",
    "explain analyze copy kept to '{folder}/out.csv'",
    "explain analyze insert into kept values (2)",
    "export database '{folder}/all'",
    "import database '{folder}'",
    "attach '{folder}/other.duckdb'",
    "attach ':memory:' as beside",
    "install httpfs",
    "load httpfs",
    "load '{folder}/in.csv'",
    "pragma database_list",
    "set threads = 1",
    "call enable_logging()",
    "checkpoint",
    "prepare asked as select a from kept",
    "select nextval('numbers')",
    "select * from '{folder}/in.csv'",
    "select * from read_csv('{folder}/in.csv')",
    "from read_text('{folder}/in.csv')",
    "from read_blob('/etc/hostname')",
    "from read_json('{folder}/in.csv')",
    "from sniff_csv('{folder}/in.csv')",
    "from glob('{folder}/*')",
    "from 's3://bucket/key.csv'",
    "from 'https://example.com/key.csv'",
    "from duckdb_secrets()",
    "select getenv('HOME')",
    "with x as (from read_text('{folder}/in.csv')) from x",
    "select * from query('from read_text(''{folder}/in.csv'')')",
)
REDSHIFT_ONLY = (
    "select a into other from kept",
    "with x as (select a from kept) select a into temp other from x",
    "unload ('select a from kept') to 's3://bucket/key' iam_role default",
    "/* /* */ select */ unload ('select a from kept') to 's3://bucket/key' iam_role default",
    "-- select\nunload ('select a from kept') to 's3://bucket/key' iam_role default",
    "copy kept from 's3://bucket/key' iam_role default",
    "call some_procedure()",
    "lock kept",
    "analyze kept",
    "end",
)


@pytest.fixture
def kept(engine: Bench) -> Bench:
    """A warehouse with one table of one row."""
    make = ["create schema if not exists staging", "create table staging.kept as select 1 as a"]
    if engine.settings.target == "duckdb":
        with duckdb.connect(str(engine.settings.work_database)) as connection:
            for statement in (*make, "create sequence staging.numbers"):
                connection.execute(statement)
    else:
        for statement in make:
            Warehouse(engine.settings).query(statement)
    return engine


def test_what_reads_is_answered(kept: Bench) -> None:
    warehouse = Warehouse(kept.settings)
    for sql in READS:
        assert ask(warehouse, sql).rows == [(1,)], sql
    assert ask(warehouse, "explain select a from kept").rows
    if kept.settings.target == "duckdb":
        shown = ("from kept", "describe kept", "show tables", "summarize kept", "pivot kept on a using count(*)")
        assert all(ask(warehouse, sql).rows for sql in shown)
        assert ask(warehouse, "values (1)").rows == [(1,)]
    else:
        assert ask(warehouse, "show timezone").rows


def test_what_does_more_than_read_is_refused(kept: Bench, tmp_path: Path) -> None:
    warehouse = Warehouse(kept.settings)
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "in.csv").write_text("a\n7\n")
    for template in WRITES + (DUCKDB_ONLY if kept.settings.target == "duckdb" else REDSHIFT_ONLY):
        sql = template.format(folder=folder)
        with pytest.raises(UsageError):
            pytest.fail(f"{sql}: {ask(warehouse, sql)}")
        assert ask(warehouse, "select a from kept").rows == [(1,)], sql
        assert [path.name for path in folder.iterdir()] == ["in.csv"], sql
    found = "select count(*) from information_schema.tables where table_name in ('other', 'seen')"
    assert warehouse.query(found).rows == [(0,)]


def test_a_refusal_is_one_line_that_says_so(kept: Bench, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a\n7\n")
    asked = {
        "duckdb": ("drop table kept", "attach 'x'", f"copy kept to '{tmp_path}/x'", f"from '{tmp_path}/in.csv'"),
        "redshift": ("drop table kept", "select a into other from kept", "unload ('select 1') to 's3://b/k'"),
    }
    for sql in asked[kept.settings.target]:
        with pytest.raises(UsageError) as refused:
            ask(Warehouse(kept.settings), sql)
        assert str(refused.value).startswith(ONLY_READS), sql
        assert len(refused.value.args) == 1
    with pytest.raises(UsageError, match="no_such_table"):
        ask(Warehouse(kept.settings), "select * from no_such_table")


def test_the_pipeline_s_own_statements_still_write(redshift_bench: RedshiftBench) -> None:
    """The rows of the lock are written by the same connection, here after a query that was refused."""
    warehouse = Warehouse(redshift_bench.settings)
    warehouse.query("create schema if not exists staging")
    warehouse.query("create table staging.holders (a integer)")
    with pytest.raises(UsageError):
        ask(warehouse, "select a into other from holders")
    warehouse.query("insert into holders values (2)")
    assert ask(warehouse, "select a from holders").rows == [(2,)]


def test_a_session_that_holds_the_lock_can_be_ended(redshift_bench: RedshiftBench, stand_in: StandIn) -> None:
    """As a command says that finds the warehouse locked by a machine that is gone."""
    with closing(connect(stand_in, "sparkify")) as holder, holder.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        session_id = cursor.fetchone()[0]
        ended = ask(Warehouse(redshift_bench.settings), f"select pg_terminate_backend({session_id})")
        assert [bool(value) for (value,) in ended.rows] == [True]
        with pytest.raises(psycopg2.Error):
            cursor.execute("select 1")
