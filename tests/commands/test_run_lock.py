"""One command writes a warehouse at a time; a command that is gone holds nothing. Real processes, on both engines."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from killed_warehouse import BUCKET, DuckDBWarehouse, StandInWarehouse, Warehouse, first_files, write_files
from projects import Project, clean_environment
from records import make_event

from redshift_stand_in import StandIn
from redshift_stand_in.connection import Connection

SECONDS = 120
RACES, GAP_SECONDS = 10, 0.2


@dataclass
class Place:
    """A warehouse and two machines, or two terminals of one, from which it is loaded."""

    warehouse: Warehouse
    machines: tuple[Project, Project]
    flags: tuple[str, ...]
    environment: dict[str, str]
    holder: Callable[[], str]
    put: Callable[[dict[str, list[dict[str, Any]]]], None]

    def start(self, machine: int = 0) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "tasks.py", "load", *self.flags],
            cwd=self.machines[machine].root,
            env={**clean_environment(), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def load(self, machine: int = 0, command: str = "load") -> subprocess.CompletedProcess[str]:
        return self.machines[machine].invoke(command, *self.flags, **self.environment)

    @contextmanager
    def holding(self) -> Iterator[subprocess.Popen[str]]:
        """A load that has the lock, stopped in its tracks."""
        process = self.start()
        deadline = time.monotonic() + SECONDS
        while str(process.pid) not in self.holder():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGSTOP)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def loaded(self) -> tuple[int, int, int]:
        tables = ("load_history", "staging_events", "staging_songs")
        return tuple(self.warehouse.rows(f"select count(*) from staging.{table}")[0][0] for table in tables)


ONCE = (len(first_files()), 18, 4)


@pytest.fixture(params=["duckdb", "stand-in"])
def place(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Place:
    machines = tuple(Project(Path(shutil.copytree(template, tmp_path / name))) for name in ("one", "two"))
    if request.param == "duckdb":
        source = tmp_path / "source"
        warehouse = DuckDBWarehouse(machines[0].root, None, tmp_path)
        write_files(source, first_files())
        lock = machines[0].root / ".sparkify" / "sparkify.lock"
        return Place(
            warehouse,
            (machines[0], machines[0]),
            ("--source", str(source)),
            {},
            lambda: lock.read_text() if lock.exists() else "",
            partial(write_files, source),
        )
    stand_in: StandIn = request.getfixturevalue("stand_in")
    stand_in.reset()
    stand_in.create_bucket(BUCKET)
    warehouse = StandInWarehouse(tmp_path, None, stand_in)
    warehouse.put(first_files())

    def holder() -> str:
        there = warehouse.rows("select from information_schema.tables where table_name = 'holder'")
        return str(warehouse.rows("select process_id from run_lock.holder")) if there else ""

    return Place(
        warehouse,
        machines,
        ("--target", "redshift", "--source", f"s3://{BUCKET}"),
        stand_in.environment(method="database"),
        holder,
        warehouse.put,
    )


def test_two_loads_of_the_same_files_at_once_load_them_once(place: Place) -> None:
    two_at_once(place)
    assert place.loaded() == ONCE


@pytest.mark.thorough
def test_again_and_again_two_loads_at_once_load_once(place: Place, figures: Callable[..., None]) -> None:
    """Where there is no warehouse yet, then a new day; the second a little after the first."""
    for number in range(RACES):
        place.warehouse.restore("empty")
        two_at_once(place, gap=GAP_SECONDS * number)
        assert place.loaded() == ONCE, number
    files, events, songs = ONCE
    for number in range(RACES):
        place.put({f"log_data/2018/12/{number}.json": [make_event(sessionId=1000 + number)]})
        two_at_once(place, gap=GAP_SECONDS * number)
        assert place.loaded() == (files + number + 1, events + number + 1, songs), number
    engine = "stand-in" if place.environment else "DuckDB"
    figures(2, "two simultaneous loads of the same files, which are loaded once", engine, 2 * RACES)


def two_at_once(place: Place, gap: float = 0) -> None:
    first = place.start(0)
    time.sleep(gap)
    loads = [first, place.start(1)]
    said = [load.communicate(timeout=SECONDS)[1] for load in loads]
    codes = [load.returncode for load in loads]
    assert 0 in codes, said
    for code, text in zip(codes, said, strict=True):
        assert code == 0 or "is writing the warehouse: load" in text, text


def test_the_second_says_who_holds_the_lock_and_a_killed_holder_holds_nothing(place: Place) -> None:
    with place.holding() as first:
        refused = place.load(1)
        assert refused.returncode == 1
        assert "is writing the warehouse: load" in refused.stderr
        assert f"process {first.pid}, since" in refused.stderr
        assert "Traceback" not in refused.stderr
        first.kill()
        first.wait()
        done = place.load(1)
        assert done.returncode == 0, done.stderr
    assert place.loaded() == ONCE


@pytest.mark.parametrize("place", ["stand-in"], indirect=True)
class TestALockThatIsLost:
    def test_is_noticed_before_a_load_is_committed(self, place: Place) -> None:
        stand_in = place.warehouse.stand_in

        def cut(_: Connection, _uri: str) -> None:
            stand_in.before_object = None
            holder(place).cut()

        stand_in.before_object = cut
        failed = place.load()
        assert failed.returncode == 1
        assert "Error: The lock on the warehouse was lost" in failed.stderr
        assert place.loaded() == (0, 0, 0)
        assert place.load().returncode == 0
        assert place.loaded() == ONCE

    def test_and_taken_by_another_command_stops_the_commit(self, place: Place) -> None:
        """The session may go in the instant between the last look at it and the commit: the token tells."""
        stand_in = place.warehouse.stand_in

        def take(_: Connection, _uri: str) -> None:
            place.warehouse.change("update run_lock.holder set token = 'of another'")

        stand_in.before_object = take
        failed = place.load()
        assert failed.returncode == 1
        assert "another command has taken the run lock" in failed.stderr
        assert place.loaded() == (0, 0, 0)

    def test_is_noticed_before_the_build(self, place: Place) -> None:
        stand_in = place.warehouse.stand_in

        def cut(_: Connection, sql: str) -> None:
            if "count(*)" in sql and "where load_id = " in sql and "union all" in sql:
                stand_in.before_statement = None
                holder(place).cut()

        stand_in.before_statement = cut
        failed = place.load(command="run")
        assert failed.returncode == 1
        assert "Error: The lock on the warehouse was lost" in failed.stderr
        assert place.loaded() == ONCE
        assert place.warehouse.rows("select from information_schema.tables where table_schema = 'analytics'") == []


def holder(place: Place) -> Connection:
    """The connection that holds the lock."""
    session = place.warehouse.rows("select session_id from run_lock.holder")[0][0]
    return next(one for one in place.warehouse.stand_in.connections if one.process_id == session)
