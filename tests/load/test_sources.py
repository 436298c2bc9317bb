"""Which sources a warehouse is loaded from when none is named, and how the simulated sample gives way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benches import Bench
from killed_warehouse import DuckDBWarehouse, first_files, later_files, write_files
from kills import KillServer, kill_server, spread
from projects import Project, source_with_one_play
from records import make_event, make_song

from pipeline.console.display import Display
from pipeline.dbt.runner import Dbt
from pipeline.errors import PipelineError, UsageError
from pipeline.load.plan import LoadReport
from pipeline.run.run import run_load
from pipeline.settings import LoadOptions
from pipeline.source.simulate.folder import MARKER
from pipeline.warehouse.reset import reset_warehouse
from pipeline.warehouse.sources import sources_to_load
from pipeline.warehouse.warehouse import Warehouse


@pytest.fixture(autouse=True)
def parsed_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in this process take the bench's parsed project instead of parsing it themselves."""
    if "engine" in request.fixturenames:
        bench: Bench = request.getfixturevalue("engine")
        manifest = bench.dbt._manifest
        monkeypatch.setattr(Dbt, "parse", lambda self: setattr(self, "_manifest", manifest) or manifest)


def load_from(bench: Bench, source: str | None, **options: Any) -> LoadReport | None:
    """Run the command `load` with a source that is named, or without."""
    settings = replace(bench.settings, source=source)
    return run_load(settings, LoadOptions.from_flags(**options), Display(quiet=True))


def known(bench: Bench) -> list[str]:
    return sources_to_load(replace(bench.settings, source=None), Display(quiet=True))


def play(bench: Bench, number: int) -> None:
    bench.put(f"log_data/{number}.json", make_event(sessionId=number))
    bench.put("song_data/A/1.json", make_song())


def test_a_source_is_remembered_from_the_moment_it_is_named(engine: Bench, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"No source is known.*--source"):
        known(engine)
    bad, own, late = (engine.other_source(tmp_path / name) for name in ("bad", "own", "late"))
    bad.put("log_data/1.json", "no record")
    bad.put("song_data/A/1.json", make_song())
    with pytest.raises(PipelineError):
        load_from(engine, bad.address_of_source)
    assert known(engine) == [bad.address_of_source]
    # Nothing was loaded from it, so another one takes its place; after that none does.
    play(own, 1)
    assert load_from(engine, own.address_of_source).rows["staging_events"] == 1
    play(late, 2)
    with pytest.raises(UsageError, match="was loaded from"):
        load_from(engine, late.address_of_source)
    assert known(engine) == [own.address_of_source]
    assert load_from(engine, None) is None
    # A reset keeps it, until another one is named.
    reset_warehouse(engine.settings)
    assert engine.rows("select count(*) from load_history") == [(0,)]
    assert known(engine) == [own.address_of_source]
    assert load_from(engine, None).rows["staging_events"] == 1
    reset_warehouse(engine.settings)
    load_from(engine, late.address_of_source)
    assert known(engine) == [late.address_of_source]


def test_without_a_name_all_sources_are_loaded(engine: Bench, tmp_path: Path) -> None:
    """A file of each has the same name; one that is added is remembered even if its first load fails."""
    other = engine.other_source(tmp_path / "other")
    play(engine, 1)
    load_from(engine, engine.address_of_source)
    other.put("log_data/1.json", "no record")
    other.put("song_data/A/1.json", make_song())
    with pytest.raises(PipelineError):
        load_from(engine, other.address_of_source, add_source=True)
    both = sorted([engine.address_of_source, other.address_of_source])
    assert known(engine) == both
    play(other, 1)
    play(engine, 2)
    assert load_from(engine, None).files == {"staging_events": 2, "staging_songs": 1}
    play(engine, 3)
    play(other, 3)
    assert load_from(engine, None).files == {"staging_events": 2}
    loads = "select source, count(distinct load_id), count(*) from load_history group by source order by source"
    assert {row[0]: row[1:] for row in engine.rows(loads)} == {
        engine.address_of_source: (3, 4),
        other.address_of_source: (2, 3),
    }
    with pytest.raises(UsageError, match=r"takes files of one source.*--source"):
        load_from(engine, None, reload=["log_data/1.json"])
    reset_warehouse(engine.settings)
    assert known(engine) == both


def test_a_clone_that_was_given_a_source_has_no_use_for_the_sample(project: Project, tmp_path: Path) -> None:
    source = source_with_one_play(tmp_path / "source")
    done = project.invoke("load", "-q", "--source", str(source), "--database", str(tmp_path / "other.duckdb"))
    assert done.returncode == 0, done.stderr
    refused = project.invoke("run")
    assert (refused.returncode, "No source is known" in refused.stderr) == (2, True)
    assert not project.database.exists()


def test_the_sample_is_said_to_be_one_and_gives_way_to_the_first_source(project: Project, tmp_path: Path) -> None:
    source = source_with_one_play(tmp_path / "source")
    note = "simulated sample"
    sizes = project.root / "pipeline/source/simulate/__init__.py"
    sizes.write_text(sizes.read_text().replace("10_000\n", "300\n").replace("songs: int = 1_000", "songs: int = 30"))
    first = project.invoke("run")
    assert (first.returncode, note in first.stdout) == (0, True), first.stderr
    asked = project.invoke("query", "select count(*) as n from staging_events", "--csv")
    assert (asked.stdout, note in asked.stderr) == ("n\n300\n", True)
    pages = project.root / "sparkify_docs"
    for page in ("index.html", "report.html"):
        assert note in (pages / page).read_text(encoding="utf-8")

    elsewhere = project.invoke("run", "--database", str(tmp_path / "other.duckdb"))
    assert (elsewhere.returncode, "--source" in elsewhere.stderr) == (2, True)
    for arguments in (("--source", str(tmp_path / "none")), ()):  # named once, it is what counts
        failed = project.invoke("run", *arguments)
        assert (failed.returncode, f"{tmp_path / 'none'} is not a folder" in failed.stderr) == (2, True)

    done = project.invoke("run", "--json", "--source", str(source))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["is_sample"], report["row_counts"]["songplays"]) == (False, 1)
    asked = project.invoke("query", "select count(*) as n from staging_events", "--csv")
    assert (asked.stdout, asked.stderr) == ("n\n1\n", "")
    for page in ("index.html", "report.html"):
        assert note not in (pages / page).read_text(encoding="utf-8")
    listed = json.loads(project.invoke("load.list", "--json").stdout)
    assert [load["status"] for load in listed] == ["loaded", "replaced"]


@pytest.fixture(scope="module")
def sampled(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBWarehouse]:
    """A warehouse whose sample is a few files."""
    folder = tmp_path_factory.mktemp("sampled")
    root = Path(shutil.copytree(template, folder / "project"))
    sample = root / "data" / "sample"
    write_files(sample, first_files())
    (sample / MARKER).write_text("{}")
    write_files(folder / "own", later_files())
    with kill_server(root, "duckdb", str(sample), {}) as server:
        warehouse = DuckDBWarehouse(root, server, folder / "saved")
        warehouse.restore("empty")
        server.finish()
        warehouse.save("sample")
        yield warehouse


@pytest.mark.parametrize("instants", [5, pytest.param(60, marks=pytest.mark.thorough)])
def test_a_run_from_which_the_sample_goes_killed_anywhere_is_finished_by_the_next(
    sampled: DuckDBWarehouse, figures: Callable[..., None], instants: int
) -> None:
    server: KillServer = sampled.server
    own = str(Path(server.source).parents[2] / "own")
    sampled.restore("sample")
    old = sampled.published()
    count = server.finish(source=own)["instants"]
    new = sampled.published()
    for instant in spread(instants, count):
        sampled.restore("sample")
        killed = server.ask(source=own, instant=instant)
        assert killed["status"] == -9, killed
        assert sampled.published() in (old, new), instant
        server.finish(source="" if instant > count / 2 else own)
        assert sampled.published() == new, instant
        assert sampled.leftovers() == [], instant
    assert {status for *_, status in rows_of_ledger(sampled)} == {"loaded", "replaced"}
    figures(2, "run that removes the sample, killed", "DuckDB", instants)


def rows_of_ledger(warehouse: DuckDBWarehouse) -> list[tuple[Any, ...]]:
    return warehouse.rows("select file_key, status from staging.load_history")


def test_a_warehouse_knows_its_sources_only_by_its_own_file(bench: Bench) -> None:
    """Another database of the same clone has a memory of its own."""
    play(bench, 1)
    bench.load()
    other = replace(bench.settings, source=None, database=bench.settings.database.with_name("other.duckdb"))
    assert Warehouse(other).sources() == []
    with pytest.raises(UsageError, match="No source is known"):
        sources_to_load(other, Display(quiet=True))
