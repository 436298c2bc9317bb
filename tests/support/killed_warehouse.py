"""A warehouse whose commands are killed: what it holds before and after, and what a killed command left behind."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from records import make_event, make_song

from redshift_stand_in import StandIn
from redshift_stand_in.stand_in import DATABASE, USER

if TYPE_CHECKING:
    from kills import KillServer

BUCKET = "sparkify-killed"
ENGINES_OWN = ("information_schema", "pg_catalog", "pg_internal", "stand_in")
# Times, and what only says when something was run. What is current of run_history is looked at by itself.
NOT_COMPARED = {"load_history": {"loaded_at"}, "run_history": {"run_id", "finished_at"}}
Contents = dict[str, list[tuple[Any, ...]]]


def first_files() -> dict[str, list[dict[str, Any]]]:
    """Two days and some songs: a user who changes level, a song that is not in the catalogue, a user who logs out."""
    songs = {
        f"song_data/A/A/{n}.json": [
            make_song(song_id=f"SO{n}", title=f"Tune {n}", artist_id=f"AR{n % 2}", artist_name=f"Ann {n % 2}")
        ]
        for n in range(4)
    }
    days = {
        f"log_data/2018/11/2018-11-0{day}-events.json": [
            make_event(
                ts=1541030400000 + day * 86400000 + n * 200000,
                userId=str(n % 3),
                sessionId=day * 10 + n % 3,
                itemInSession=n,
                song=f"Tune {n}",
                artist=f"Ann {n % 2}",
                level="paid" if n % 3 and day > 1 else "free",
            )
            for n in range(8)
        ]
        + [make_event(ts=1541030400000 + day * 86400000, userId="", page="Home", sessionId=day, song=None, artist=None)]
        for day in (1, 2)
    }
    return {**songs, **days}


def later_files() -> dict[str, list[dict[str, Any]]]:
    """A new day with a late event, and songs that were heard before they were catalogued."""
    songs = {
        f"song_data/A/B/{n}.json": [
            make_song(song_id=f"SO{n}", title=f"Tune {n}", artist_id=f"AR{n % 2}", artist_name=f"Ann {n % 2}")
        ]
        for n in (5, 6)
    }
    day = [
        make_event(ts=1541030400000 + day * 86400000 + n * 300000, userId=str(n), sessionId=70 + n, itemInSession=n,
                   song=f"Tune {n + 4}", artist=f"Ann {n % 2}", level="paid")
        for n, day in enumerate((3, 3, 3, 1))
    ]  # fmt: skip
    return {**songs, "log_data/2018/11/2018-11-03-events.json": day}


def write_files(folder: Path, files: dict[str, list[dict[str, Any]]]) -> None:
    for name, records in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(map(json.dumps, records)))


@dataclass
class Warehouse:
    """What both engines have in common. A state is saved under a name and brought back."""

    root: Path
    server: KillServer | None

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def contents(self) -> Contents:
        return read_contents(self.rows)

    def check_killed(self, old: Contents, new: Contents) -> None:
        """After a kill, before anything else runs: every table is as before or as after, all landed ones together."""
        found = self.contents()
        landed = ("staging.staging_events", "staging.staging_songs", "staging.load_history")
        states = [{table: state.get(table, []) for table in landed} for state in (old, new, found)]
        assert states[2] in states[:2], "half a load"
        for table, rows in found.items():
            if table.startswith("analytics.") and "__dbt_" not in table:
                assert rows in (old.get(table), new[table]), f"half of {table}"

    def leftovers(self) -> list[str]:
        return [
            f"{schema}.{table}"
            for schema, table in self.rows("select table_schema, table_name from information_schema.tables")
            if "__dbt_" in table or schema not in ("analytics", "staging", "run_lock", *ENGINES_OWN)
        ]


def read_contents(query: Any) -> Contents:
    """Every row of every table, sorted; loads are numbered in their order, times of the runs are left out."""
    columns: dict[str, list[str]] = {}
    for schema, table, column in query(
        "select table_schema, table_name, column_name from information_schema.columns "
        "where table_schema in ('analytics', 'staging') order by table_schema, table_name, ordinal_position"
    ):
        if column not in NOT_COMPARED.get(table, ()):
            columns.setdefault(f"{schema}.{table}", []).append(column)
    loads = (
        [row[0] for row in query("select distinct load_id from staging.load_history order by load_id")]
        if "staging.load_history" in columns
        else []
    )
    numbers = {load: f"load {number}" for number, load in enumerate(loads)}
    contents = {}
    for table, names in columns.items():
        where = " where is_current" if table == "staging.run_history" else ""
        rows = query(f"select {', '.join(names)} from {table}{where}")
        at = [index for index, name in enumerate(names) if name == "load_id"]
        contents[table] = sorted(
            (tuple(numbers.get(value, value) if n in at else value for n, value in enumerate(row)) for row in rows),
            key=repr,
        )
    return contents


@dataclass
class DuckDBWarehouse(Warehouse):
    saved: Path

    @property
    def database(self) -> Path:
        return self.root / "sparkify.duckdb"

    @property
    def work(self) -> Path:
        return self.root / ".sparkify" / "sparkify.duckdb"

    def put(self, files: dict[str, list[dict[str, Any]]]) -> None:
        write_files(Path(self.server.source), files)

    def save(self, name: str) -> None:
        for part in ("sparkify.duckdb", ".sparkify", "sparkify_docs"):
            if (self.root / part).is_dir():
                shutil.copytree(self.root / part, self.saved / name / part)
            elif (self.root / part).exists():
                (self.saved / name).mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.root / part, self.saved / name / part)

    def restore(self, name: str) -> None:
        for path in self.root.glob("sparkify.duckdb*"):
            path.unlink()
        for part in (".sparkify", "sparkify_docs"):
            shutil.rmtree(self.root / part, ignore_errors=True)
        if (self.saved / name).exists():
            shutil.copytree(self.saved / name, self.root, dirs_exist_ok=True)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if not self.work.exists():
            return []
        with duckdb.connect(str(self.work), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def published(self) -> Contents:
        if not self.database.exists():
            return {}
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return read_contents(lambda sql: connection.execute(sql).fetchall())

    def contents(self) -> Contents:
        if not self.work.exists():
            return {}
        with duckdb.connect(str(self.work), read_only=True) as connection:
            return read_contents(lambda sql: connection.execute(sql).fetchall())

    def check_killed(self, old: Contents, new: Contents) -> None:
        super().check_killed(old, new)
        assert self.published() in (old, new), "what analysts open is neither the old nor the new state"

    def leftovers(self) -> list[str]:
        assert self.published() == self.contents(), "what analysts open is not what was built"
        files = {path.name for path in (*self.root.glob("sparkify*"), *self.work.parent.iterdir())}
        known = {"sparkify.duckdb", "sparkify_docs", "sparkify.lock", "dbt", "setup.log", "source_was_named"}
        return [*super().leftovers(), *sorted(files - known)]


@dataclass
class StandInWarehouse(Warehouse):
    """States are databases that PostgreSQL copies."""

    stand_in: StandIn
    saved: set[str] = field(default_factory=set)

    def put(self, files: dict[str, list[dict[str, Any]]]) -> None:
        for name, records in files.items():
            body = "\n".join(map(json.dumps, records)).encode()
            self.stand_in.aws.client("s3").put_object(Bucket=BUCKET, Key=name, Body=body)

    def save(self, name: str) -> None:
        self.stand_in.drop_connections()
        self._as_superuser(f'create database "{name}" template "{DATABASE}"')
        self.saved.add(name)

    def restore(self, name: str) -> None:
        self.stand_in.drop_connections()
        template = name if name in self.saved else "template1"
        self._as_superuser(f'drop database if exists "{DATABASE}" with (force)')
        self._as_superuser(f'create database "{DATABASE}" template "{template}" owner "{USER}"')

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        connection = self.stand_in.postgres.connect(DATABASE)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()
        finally:
            connection.close()

    def change(self, sql: str) -> None:
        """Past the stand-in, as another client would."""
        connection = self.stand_in.postgres.connect(DATABASE)
        with connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()

    def contents(self) -> Contents:
        connection = self.stand_in.postgres.connect(DATABASE)

        def query(sql: str) -> list[tuple[Any, ...]]:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()

        try:
            return read_contents(query)
        finally:
            connection.close()

    def check_killed(self, old: Contents, new: Contents) -> None:
        self.stand_in.drop_connections()  # which ends what the killed command was doing
        super().check_killed(old, new)

    def _as_superuser(self, sql: str) -> None:
        connection = self.stand_in.postgres.connect("postgres")
        with connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()
