"""Deliveries that are loads of their own, undone and loaded again."""

from __future__ import annotations

from typing import Any

from benches import Bench
from records import make_event, make_song
from stars import Record, assert_star

from pipeline.console.display import Display
from pipeline.load.load import plan_load
from pipeline.run.undo import take_away
from pipeline.settings import LoadOptions

# Each delivery is a load of its own. An event of the first comes again in the second; the catalogue comes in between.
EVENTS: list[list[Record]] = [
    [make_event(), make_event(itemInSession=1, song="Other", ts=1541105930796)],
    [make_event(), make_event(userId="8", sessionId=2, level="paid", ts=1541205830796, userAgent="Agent/2")],
    [make_event(itemInSession=2, level="paid", ts=1541305830796), make_event(userId="", sessionId=3, page="Home")],
]


SONGS = [make_song(), make_song(song_id="SO2", artist_id="AR2", artist_name="Bob", title="Else")]


DELIVERIES: dict[str, list[Record]] = {
    "log_data/1.json": EVENTS[0],
    "log_data/2.json": EVENTS[1],
    "song_data/A/1.json": SONGS,
    "log_data/3.json": EVENTS[2],
}


def deliver(bench: Bench) -> list[str]:
    """Load every delivery by itself; return the loads' ids in that order."""
    loads = []
    for key, records in DELIVERIES.items():
        bench.put(key, *records)
        loads.append(bench.load(only="songs" if key.startswith("song") else "events").load_id)
    return loads


def undo(bench: Bench, load_id: str) -> None:
    take_away(bench.settings, load_id, bench.dbt, Display(quiet=True))


def records(keys: list[str], prefix: str) -> list[Record]:
    return [record for key in keys if key.startswith(prefix) for record in DELIVERIES[key]]


def assert_holds(bench: Bench, keys: list[str], *, tests: bool = False) -> None:
    """The warehouse has what a build from these deliveries alone would give; with tests, dbt's agree."""
    bench.build(tests=tests)
    assert_star(bench, records(keys, "log_data"), records(keys, "song_data"))


def statuses(bench: Bench) -> dict[tuple[str, str], str]:
    return {
        (load_id, key): status
        for load_id, key, status in bench.rows("select load_id, file_key, status from load_history")
    }


def plan(bench: Bench, *reload: str, **flags: Any) -> Any:
    return plan_load(bench.settings, bench.address_of_source, LoadOptions.from_flags(reload=reload, **flags))
