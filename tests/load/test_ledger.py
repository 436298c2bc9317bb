"""What the ledger says of a file, at any time of the clock and with other loads in between."""

from __future__ import annotations

import re
from datetime import timedelta

import clocks
import pytest
from benches import Bench
from deliveries import plan, statuses, undo
from records import make_event

from pipeline import clock
from pipeline.console.display import Display
from pipeline.dbt.runner import Dbt, DbtError
from pipeline.dbt.session import close_connections
from pipeline.errors import PipelineError
from pipeline.load.load import load
from pipeline.warehouse.ledger import next_id

FILE = "log_data/1.json"


def put(bench: Bench, *items: int) -> None:
    bench.put(FILE, *(make_event(itemInSession=item) for item in items))


def set_clock(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    time = clocks.BEGIN + timedelta(hours=hours)
    monkeypatch.setattr(clock, "now", lambda: time)


def test_a_clock_that_steps_back_neither_loads_a_file_twice_nor_takes_a_changed_one_in(
    engine: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(engine, 1)
    set_clock(monkeypatch, 0)
    first = engine.load(only="events").load_id
    put(engine, 1, 2)
    set_clock(monkeypatch, -1)
    second = engine.load(only="events", reload=[FILE]).load_id
    assert second > first
    assert re.fullmatch(r"\d{8}T\d{12}", second)
    assert plan(engine, only="events").files == []
    assert plan(engine, only="events").ledger_files == 1
    put(engine, 1, 2, 3)
    with pytest.raises(PipelineError, match="changed since it was loaded"):
        plan(engine, only="events")
    put(engine, 1, 2)
    # Undone and loaded again at ever earlier times, the file is held back, and then it is loaded.
    set_clock(monkeypatch, -2)
    undo(engine, second)
    held = plan(engine, only="events")
    assert (held.files, held.held_back) == ([], 1)
    third = engine.load(only="events", reload=[FILE]).load_id
    held = plan(engine, only="events")
    assert (third > second, held.files, held.held_back) == (True, [], 0)
    assert engine.rows("select count(*) from staging_events") == [(2,)]
    assert {load: status for (load, key), status in statuses(engine).items() if key == FILE} == {
        first: "replaced",
        second: "undone",
        third: "loaded",
    }


def test_a_load_that_was_planned_before_another_one_had_loaded_its_files_is_refused(engine: Bench) -> None:
    put(engine, 1)
    planned = plan(engine, only="events")
    engine.load(only="events")
    before = statuses(engine), engine.rows("select count(*) from staging_events")
    with pytest.raises(PipelineError, match=rf"{FILE} of .* is already loaded.*Nothing was loaded"):
        load(engine.settings, planned, engine.dbt, Display(quiet=True))
    assert (statuses(engine), engine.rows("select count(*) from staging_events")) == before


def test_a_ledger_with_two_loaded_entries_of_a_file_fails_a_test(bench: Bench) -> None:
    put(bench, 1)
    bench.load(only="events")
    bench.dbt.run_operation("run_query", sql="insert into staging.load_history select * from staging.load_history")
    with pytest.raises(DbtError, match="files_loaded_once"):
        Dbt(bench.settings).command("test", "--select", "files_loaded_once")
    close_connections()


def test_an_id_is_the_time_or_one_more_than_the_greatest(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, 0)
    assert next_id(None) == "20260329T005959999999"
    assert next_id("20260329T005959999998") == "20260329T005959999999"
    assert next_id("20260329T005959999999") == "20260329T005960000000"
    assert next_id("20301231T999999999999") == "20301232T000000000000"
