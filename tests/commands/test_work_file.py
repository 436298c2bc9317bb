"""A work file that is lost, damaged or older than what is published never makes what is published less."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from benches import Bench
from deliveries import plan, undo
from duckdb_file import rows, tables
from killed_warehouse import DuckDBWarehouse, first_files, later_files, write_files
from kills import Cases, kill_server, spread
from projects import Project, clean_environment, source_beside
from records import make_event

from pipeline.console.display import Display
from pipeline.dbt.session import close_connections
from pipeline.errors import PipelineError
from pipeline.load.load import load
from pipeline.run.rebuild import begin_tests, new_run_id, record_run
from pipeline.warehouse.loads import read_loads
from pipeline.warehouse.lock import locked
from pipeline.warehouse.publish import publish
from pipeline.warehouse.warehouse import Warehouse
from pipeline.warehouse.work_file import is_as_published, restore_work_file

KEEPER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
"""


class Ear(Display):
    """A display that keeps its warnings."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.heard = ""

    def warn(self, text: str) -> None:
        self.heard += text


def run(bench: Bench, *numbers: int) -> str:
    """Load what is new, the days of these numbers among it, and publish, as a run does; what was said meanwhile."""
    for number in numbers:
        bench.put(f"log_data/{number}.json", make_event(sessionId=number))
    display = Ear()
    with locked(Warehouse(bench.settings), "run"):
        restore_work_file(bench.settings, display)
        planned = plan(bench, only="events")
        if planned.files:
            load(bench.settings, planned, bench.dbt, display)
        run_id = new_run_id(Warehouse(bench.settings))
        begin_tests(bench.dbt, run_id)
        record_run(bench.dbt, run_id, "a project without tests")
        close_connections()
        publish(bench.settings)
    return display.heard


def published(bench: Bench) -> list[int]:
    return [number for (number,) in rows(bench.settings.database, "select session_id from staging_events order by 1")]


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def other_text(path: Path) -> None:
    path.write_text("no database")


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [Path.unlink, half, other_text, empty])
def test_a_lost_or_damaged_work_file_is_brought_back(bench: Bench, spoil: Callable[[Path], None]) -> None:
    """Its first files are archived by then: nothing but what is published has their rows."""
    run(bench, 1, 2)
    for number in (1, 2):
        (bench.source / f"log_data/{number}.json").unlink()
    work = bench.settings.work_database
    spoil(work)
    is_damaged = work.exists()
    if not is_damaged:
        Path(f"{work}.wal").write_bytes(b"of the file that is gone")
    said = run(bench, 3)
    assert f"It was restored from {bench.settings.database}, as last published" in said
    assert ("The damaged file is now" in said) == is_damaged == work.with_suffix(".damaged").exists()
    assert published(bench) == [1, 2, 3]
    assert is_as_published(bench.settings)
    assert run(bench) == ""


def test_an_older_work_file_is_noticed(bench: Bench, tmp_path: Path) -> None:
    """From before a load, then from before an undo: the undone load does not come back."""
    work, older = bench.settings.work_database, tmp_path / "older"
    run(bench, 1)
    shutil.copyfile(work, older)
    run(bench, 2)
    shutil.copyfile(older, work)
    assert "is older than the published file: 1 load (" in run(bench)
    assert published(bench) == [1, 2]

    shutil.copyfile(work, older)
    undo(bench, read_loads(Warehouse(bench.settings))[0].load_id)
    run(bench)
    shutil.copyfile(older, work)
    assert "is older than the published file" in run(bench, 3)
    assert published(bench) == [1, 3]


def test_a_work_file_that_is_ahead_is_published(bench: Bench) -> None:
    run(bench, 1)
    assert is_as_published(bench.settings)
    bench.put("log_data/2.json", make_event(sessionId=2))
    bench.load(only="events")
    assert not is_as_published(bench.settings)
    undo(bench, read_loads(Warehouse(bench.settings))[1].load_id)
    assert run(bench) == ""
    assert published(bench) == [2]


@pytest.mark.parametrize(("kept", "expected"), [(0, [1, 2, 3]), (1, [1, 3])])
def test_two_files_with_loads_of_their_own_stop_everything_until_one_is_chosen(
    bench: Bench, tmp_path: Path, kept: int, expected: list[int]
) -> None:
    work, database = bench.settings.work_database, bench.settings.database
    run(bench, 1)
    shutil.copyfile(work, tmp_path / "older")
    run(bench, 2)
    shutil.copyfile(tmp_path / "older", work)
    (bench.source / "log_data/2.json").unlink()
    bench.put("log_data/3.json", make_event(sessionId=3))
    bench.load(only="events")
    before = database.read_bytes()
    for refused_by in (lambda: run(bench), lambda: publish(bench.settings)):
        with pytest.raises(PipelineError, match="nothing was published") as refused:
            refused_by()
        assert database.read_bytes() == before
    advice = [part.partition(". ")[0] for part in str(refused.value).split(": ") if part.startswith("mv ")]
    assert len(advice) == 2
    subprocess.run(shlex.split(advice[kept]), check=True)
    run(bench)
    assert published(bench) == expected


@pytest.mark.parametrize("spoil", [half, other_text])
def test_both_files_damaged_are_one_line_with_the_way_out(bench: Bench, spoil: Callable[[Path], None]) -> None:
    run(bench, 1)
    for path in (bench.settings.work_database, bench.settings.database):
        spoil(path)
    with pytest.raises(PipelineError) as refused:
        run(bench)
    said = str(refused.value)
    assert len(said.splitlines()) == 1
    for path in (bench.settings.work_database, bench.settings.database):
        assert f"{path} cannot be read" in said
    assert "./inv reset --yes" in said


def test_a_part_that_cannot_be_read_is_found_later_and_has_a_way_out(bench: Bench) -> None:
    for number in range(40):
        bench.put(f"log_data/{number}.json", *(make_event(sessionId=n, song=f"{n}") for n in range(1000)))
    run(bench)
    stored = "select max(block_id) from pragma_storage_info('staging.staging_events')"
    block = rows(bench.settings.work_database, stored)[0][0]
    with bench.settings.work_database.open("r+b") as file:
        file.seek(12_288 + block * 262_144 + 1000)
        file.write(b"?" * 1000)

    def read_all() -> None:
        with locked(Warehouse(bench.settings), "run"):
            bench.rows("select max(columns(*)) from staging_events")

    with pytest.raises(PipelineError, match="is damaged. Move it away") as refused:
        read_all()
    subprocess.run(shlex.split(str(refused.value).rpartition(": ")[2]), check=True)
    assert "It was restored" in run(bench)
    assert len(published(bench)) == 40_000


def test_a_damaged_published_file_is_replaced(bench: Bench) -> None:
    run(bench, 1)
    half(bench.settings.database)
    assert run(bench) == ""
    assert published(bench) == [1]


def test_a_tool_that_keeps_the_published_file_open_stops_nothing(bench: Bench) -> None:
    run(bench, 1)
    tool = subprocess.Popen(
        [sys.executable, "-c", KEEPER, str(bench.settings.database)],
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert tool.stdout.readline() == "open\n"
        bench.settings.work_database.unlink()
        assert "It was restored" in run(bench, 2)
    finally:
        tool.communicate("\n")
    assert published(bench) == [1, 2]


def test_commands_bring_a_lost_work_file_back_and_load_list_reads_what_is_published(played: Project) -> None:
    work = played.root / ".sparkify" / "sparkify.duckdb"
    (source_beside(played) / "log_data/1.json").rename(source_beside(played) / "log_data/2.json")
    work.unlink()
    assert len(played.invoke("load.list", "--json").stdout.split("load_id")) == 2
    assert not work.exists()
    done = played.invoke("load.undo", "20000101T000000000000")
    assert (done.returncode, "It was restored from sparkify.duckdb" in done.stderr) == (2, True), done.stderr
    shutil.rmtree(work.parent)
    done = played.invoke("run")
    assert (done.returncode, "It was restored from sparkify.duckdb" in done.stderr) == (0, True), done.stderr
    assert rows(played.database, "select count(*) from staging_events") == [(2,)]
    assert tables(played.database) == tables(work)
    assert "Nothing new" in played.invoke("run").stdout


@pytest.fixture(scope="module")
def cases(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    folder = tmp_path_factory.mktemp("lost")
    root = Path(shutil.copytree(template, folder / "project"))
    with kill_server(root, "duckdb", str(folder / "source"), {}) as server:
        yield Cases(DuckDBWarehouse(root, server, folder / "saved"))


@pytest.mark.parametrize("instants", [5, pytest.param(60, marks=pytest.mark.thorough)])
def test_a_run_without_its_work_file_killed_anywhere_is_finished_by_the_next(
    cases: Cases, figures: Callable[..., None], instants: int
) -> None:
    """The first files are archived, so a run that does not bring the work file back would publish less."""
    warehouse, one = cases.warehouse, cases.one
    source = Path(warehouse.server.source)
    for name in first_files():
        (source / name).unlink(missing_ok=True)

    def lose() -> None:
        warehouse.restore("one")
        warehouse.work.unlink()

    lose()
    count = warehouse.server.finish()["instants"]
    new = warehouse.contents()
    assert len(new["staging.staging_events"]) == 22
    for instant in spread(instants, count):
        lose()
        killed = warehouse.server.ask(instant=instant)
        assert killed["status"] == -9, killed
        assert warehouse.published() in (one, new), instant
        warehouse.server.finish()
        assert warehouse.contents() == new, instant
        assert warehouse.leftovers() == [], instant
    write_files(source, {**first_files(), **later_files()})
    figures(2, "run without its work file, killed", "DuckDB", instants)
