"""A load that is taken back, and files that are loaded again: what is left is what the rest alone would have given."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benches import Bench
from deliveries import DELIVERIES, EVENTS, SONGS, assert_holds, deliver, plan, records, statuses, undo
from records import make_event
from stars import assert_star

from pipeline.console.display import Display
from pipeline.dbt.session import close_connections
from pipeline.errors import PipelineError, UsageError
from pipeline.load.load import load as load_plan
from pipeline.run.redo import plan_redo
from pipeline.warehouse.loads import newest_loaded, read_loads
from pipeline.warehouse.warehouse import Warehouse

pytestmark = pytest.mark.usefixtures("jumping_clock")

Record = dict[str, Any]


@pytest.mark.parametrize("number", [1, *(pytest.param(n, marks=pytest.mark.thorough_on_redshift) for n in (0, 2, 3))])
def test_without_a_load_the_rest_is_as_if_it_had_never_been_there(
    engine: Bench, figures: Callable[..., None], number: int
) -> None:
    """The first, one in the middle whose event another has too, the catalogue, the last."""
    loads = deliver(engine)
    engine.build(tests=False)
    undo(engine, loads[number])
    assert engine.rows("select count(*) from build_history") == [(0,)]
    keys = list(DELIVERIES)
    gone = keys.pop(number)
    assert_holds(engine, keys, tests=number == 1)
    assert statuses(engine) == {
        (load, key): "undone" if key == gone else "loaded" for load, key in zip(loads, DELIVERIES, strict=True)
    }
    # Held back by a later load, and there again when it is asked for.
    assert plan(engine).files == []
    assert engine.load(reload=[gone]).replaced == []
    assert_holds(engine, list(DELIVERIES))
    assert statuses(engine)[loads[number], gone] == "undone"
    figures(1, "loads undone and redone, each compared with a star computed in plain Python", engine.engine_name, 1)


@pytest.mark.thorough_on_redshift
def test_a_play_of_two_loads_goes_with_the_second_of_them(engine: Bench) -> None:
    loads = deliver(engine)
    for load in (loads[0], loads[1]):
        assert engine.rows("select count(*) from staging_events where item_in_session = 0 and user_id = 7") != [(0,)]
        undo(engine, load)
    assert_holds(engine, ["song_data/A/1.json", "log_data/3.json"])


@pytest.mark.thorough_on_redshift
def test_all_loads_undone_is_an_empty_warehouse_that_builds(engine: Bench) -> None:
    loads = deliver(engine)
    for load in loads:
        undo(engine, load)
    undo(engine, loads[0])  # once more changes nothing
    assert_holds(engine, [], tests=True)
    plan_of_rest = plan(engine)
    assert (plan_of_rest.files, plan_of_rest.ledger_files, plan_of_rest.gone_files) == ([], 0, 0)
    assert newest_loaded(Warehouse(engine.settings)) == ""
    assert {load.status for load in read_loads(Warehouse(engine.settings))} == {"undone"}
    # Nothing of the source is in the warehouse: another one is welcome.
    assert Warehouse(engine.settings).sources() == [engine.address_of_source]
    engine.load(reload=["log_data", "song_data"])
    assert_holds(engine, list(DELIVERIES))


def test_an_unknown_load_changes_nothing(engine: Bench) -> None:
    deliver(engine)
    engine.build(tests=False)
    built = engine.rows("select model_name, load_id from build_history order by 1, 2")
    assert built
    before = statuses(engine)
    engine.dbt.run_operation("undo_load", load_id="20000101T000000000000' or '1' = '1")
    close_connections()
    assert statuses(engine) == before
    assert engine.rows("select model_name, load_id from build_history order by 1, 2") == built
    assert engine.rows("select count(*) from staging_events") == [(6,)]


def test_a_changed_file_is_loaded_again_in_place_of_its_rows(engine: Bench) -> None:
    loads = deliver(engine)
    engine.build(tests=False)
    changed = [make_event(song="Changed"), make_event(itemInSession=9)]
    engine.put("log_data/2.json", *changed)
    with pytest.raises(PipelineError, match=r"changed since it was loaded: log_data/2.json.*--reload log_data/2.json"):
        engine.load()
    engine.put("log_data/4.json", make_event(itemInSession=20))
    report = engine.load(reload=["log_data/2.json"])
    assert report.replaced == ["log_data/2.json"]
    assert report.rows == {"staging_events": 3}
    assert statuses(engine) == {
        (loads[0], "log_data/1.json"): "loaded",
        (loads[1], "log_data/2.json"): "replaced",
        (loads[2], "song_data/A/1.json"): "loaded",
        (loads[3], "log_data/3.json"): "loaded",
        (report.load_id, "log_data/2.json"): "loaded",
        (report.load_id, "log_data/4.json"): "loaded",
    }
    assert engine.rows("select count(*) from build_history") == [(0,)]
    engine.build()
    assert_star(engine, [*EVENTS[0], *changed, *EVENTS[2], make_event(itemInSession=20)], SONGS)
    # What is loaded is what counts; the load that has no rows any more cannot be taken back.
    assert (plan(engine).files, plan(engine).ledger_files) == ([], 5)
    # The new version goes, and the old one does not come back.
    undo(engine, report.load_id)
    assert plan(engine).files == []
    engine.build(tests=False)
    assert_star(engine, [*EVENTS[0], *EVENTS[2]], SONGS)


@pytest.mark.thorough_on_redshift
def test_a_changed_file_of_an_undone_load_is_new(engine: Bench) -> None:
    loads = deliver(engine)
    undo(engine, loads[1])
    assert plan(engine).files == []
    engine.put("log_data/2.json", make_event(itemInSession=9))
    assert [file.key for file in plan(engine).files] == ["log_data/2.json"]
    engine.load()
    engine.build(tests=False)
    assert_star(engine, [*EVENTS[0], make_event(itemInSession=9), *EVENTS[2]], SONGS)


def test_a_file_of_a_load_of_several(engine: Bench) -> None:
    """On Redshift, where rows do not know their file, the others of its load are loaded again with it."""
    for key, delivered in DELIVERIES.items():
        engine.put(key, *delivered)
    first = engine.load().load_id
    engine.put("log_data/9.json", make_event(itemInSession=30))
    second = engine.load().load_id
    engine.put("log_data/2.json", make_event(song="Changed"))
    report = engine.load(reload=["log_data/2.json"])
    whole = engine.settings.target == "redshift"
    assert report.replaced == (sorted(DELIVERIES) if whole else ["log_data/2.json"])
    assert statuses(engine)[first, "log_data/1.json"] == ("replaced" if whole else "loaded")
    assert statuses(engine)[first, "log_data/2.json"] == "replaced"
    assert statuses(engine)[second, "log_data/9.json"] == "loaded"
    expected = [*EVENTS[0], make_event(song="Changed"), *EVENTS[2], make_event(itemInSession=30)]
    engine.build()
    assert_star(engine, expected, SONGS)
    # The first load without the file that was replaced, if that can be told from it.
    undo(engine, report.load_id)
    engine.build(tests=False)
    left = [] if whole else [*EVENTS[0], *EVENTS[2]]
    assert_star(engine, [*left, make_event(itemInSession=30)], [] if whole else SONGS)


@pytest.mark.thorough_on_redshift
def test_a_refused_record_of_a_reloaded_file_leaves_its_old_rows(engine: Bench) -> None:
    deliver(engine)
    before = statuses(engine)
    engine.put("log_data/2.json", make_event(ts="soon"))
    with pytest.raises(PipelineError, match=r"log_data/2.json, line 1, ts"):
        engine.load(reload=["log_data/2.json"])
    assert statuses(engine) == before
    assert_holds(engine, list(DELIVERIES))


@pytest.mark.thorough_on_redshift
def test_a_file_is_named_by_its_key_or_by_what_leads_to_it(engine: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(engine)
    engine.put("log_data/a,b.json", make_event(itemInSession=40))
    engine.load()
    monkeypatch.chdir(engine.source.parent)
    names = ["log_data/1.json", "./log_data/1.json", f"{engine.address_of_source}/log_data/1.json"]
    for name in names if engine.settings.target == "redshift" else [*names, "source/log_data/1.json"]:
        assert [file.key for file in plan(engine, name).files] == ["log_data/1.json"], name
    keys = ["log_data/1.json", "log_data/a,b.json"]
    assert [file.key for file in plan(engine, "log_data/a,b.json").files] == keys[1:]
    assert [file.key for file in plan(engine, "log_data/1.json, log_data/2.json").files] == [keys[0], "log_data/2.json"]
    assert [file.key for file in plan(engine, *keys).files] == keys
    assert [file.key for file in plan(engine, "song_data/A").files] == ["song_data/A/1.json"]
    for name in ("log_data/none.json", "1.json", ".", "log_data/1.json,2.json", "/", "s3://else/log_data/1.json"):
        with pytest.raises(UsageError, match=r"--reload .* has no such file"):
            plan(engine, name)
    with pytest.raises(UsageError, match="this load does not cover it"):
        plan(engine, "song_data/A", only="events")
    with pytest.raises(UsageError, match="--reload takes a file"):
        plan(engine, " ")


@pytest.mark.thorough_on_redshift
def test_reloading_leaves_another_source_alone(engine: Bench, tmp_path: Path) -> None:
    """Both have a file of the same name."""
    deliver(engine)
    other = engine.other_source(tmp_path / "other")
    other.put("log_data/1.json", make_event(itemInSession=60))
    other.put("song_data/A/none.json")
    theirs = other.load(add_source=True).load_id
    other.put("log_data/1.json", make_event(itemInSession=61))
    report = other.load(add_source=True, reload=["log_data/1.json"])
    assert report.rows["staging_events"] == 1
    assert {load for (load, _), status in statuses(engine).items() if status == "replaced"} == {theirs}
    engine.build(tests=False)
    expected = [*records(list(DELIVERIES), "log_data"), make_event(itemInSession=61)]
    assert_star(engine, expected, SONGS)
    assert plan(engine).files == []


def test_a_redo_takes_the_files_of_its_load_and_no_others(engine: Bench, tmp_path: Path) -> None:
    """Not those of the same names in another source, not new ones, and not those that another load has by now."""
    other = engine.other_source(tmp_path / "other")
    for bench, item in ((engine, 1), (other, 60)):
        for number in range(3):
            bench.put(f"log_data/{number}.json", make_event(itemInSession=item + number))
    first = engine.load(only="events").load_id
    theirs = other.load(only="events", add_source=True).load_id
    for load_id in (first, theirs):
        undo(engine, load_id)
    engine.load(only="events", reload=["log_data/2.json"])
    engine.put("log_data/9.json", make_event(itemInSession=9))
    engine.put("log_data/1.json", make_event(itemInSession=20))
    listed = {load.load_id: load for load in read_loads(Warehouse(engine.settings))}

    def redo(load_id: str) -> list[str]:
        planned = plan_redo(engine.settings, Warehouse(engine.settings), listed[load_id], compact=False)
        if planned.files:
            load_plan(engine.settings, planned, engine.dbt, Display(quiet=True))
        return [file.key for file in planned.files]

    assert redo(first) == ["log_data/0.json", "log_data/1.json"]
    items = "select item_in_session from staging_events order by 1"
    assert engine.rows(items) == [(1,), (3,), (20,)]
    assert redo(first) == []
    assert redo(theirs) == [f"log_data/{number}.json" for number in range(3)]
    assert engine.rows(items) == [(1,), (3,), (20,), (60,), (61,), (62,)]


def test_the_list_of_loads(engine: Bench) -> None:
    loads = deliver(engine)
    undo(engine, loads[1])
    listed = read_loads(Warehouse(engine.settings))
    assert [load.load_id for load in listed] == sorted(loads, reverse=True)
    assert [load.status for load in listed] == ["loaded", "loaded", "undone", "loaded"]
    assert [load.files for load in listed] == [1, 1, 1, 1]
    gone = None if engine.settings.target == "redshift" else 2
    assert [load.rows for load in listed] == [2, 2, gone, 2]
    assert {load.source for load in listed} == {engine.address_of_source}
    assert newest_loaded(Warehouse(engine.settings)) == loads[3]


def test_gone_files_are_those_with_rows(bench: Bench) -> None:
    loads = deliver(bench)
    shutil.rmtree(bench.source / "log_data")
    bench.put("log_data/none.json")
    assert plan(bench).gone_files == 3
    undo(bench, loads[0])
    assert plan(bench).gone_files == 2
