"""Builds that follow one another, with new songs and new events between them, end in the tables of one build."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from benches import Bench
from killed_warehouse import first_files, later_files
from records import make_event, make_song

from pipeline.dbt.runner import Dbt
from pipeline.dbt.session import close_connections
from pipeline.settings import PROJECT_ROOT

# The catalogue gets a song that was heard before, a recording closer in length to one that it has, and an artist that
# was known by name only. The day has a late event and an event that was delivered already.
LAST = {
    "song_data/A/C/1.json": [make_song(song_id="SO4", title="Tune 4", artist_id="AR0", artist_name="Ann 0")],
    "song_data/A/C/2.json": [
        make_song(song_id="SO9", title="Tune 1", artist_id="AR1", artist_name="Ann 1", duration=make_event()["length"])
    ],
    "song_data/A/C/3.json": [make_song(song_id="SO8", title="Solo", artist_id="AR2", artist_name="Bob")],
    "log_data/2018/11/2018-11-04-events.json": [
        make_event(ts=1541030400000 + 4 * 86400000 + n * 1000, userId=str(n), sessionId=80 + n, itemInSession=n,
                   song=f"Tune {n + 1}", artist=f"Ann {(n + 1) % 2}", level="free")
        for n in range(4)
    ] + [
        make_event(ts=1541030400000 + 86400000 + 1000, userId="1", sessionId=11, itemInSession=30, song="Other",
                   artist="Bob"),
        first_files()["log_data/2018/11/2018-11-01-events.json"][0],
    ],
}  # fmt: skip
WITHOUT_TESTS = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
DELIVERIES: list[dict[str, list[dict[str, Any]]]] = [first_files(), later_files(), LAST]


def dbt_run_by_hand(bench: Bench, *arguments: str) -> None:
    """In a process of its own, which parses for itself."""
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "run", "--target", bench.settings.target, *arguments],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def history(bench: Bench) -> list[tuple[Any, ...]]:
    return sorted(bench.rows("select model_name, load_id, code_fingerprint from staging.build_history"))


def test_three_builds_and_two_runs_by_hand_are_one_build(engine: Bench) -> None:
    for delivery in DELIVERIES:
        for name, records in delivery.items():
            engine.put(name, *records)
        engine.load()
        dbt = Dbt(engine.settings)
        dbt.command("build", *WITHOUT_TESTS)
        close_connections()
    history_of_builds = history(engine)
    # Nothing is new to any of these: a model's code is the same one however the project was parsed.
    dbt.command("run")  # with what the build has left in the manifest
    close_connections()
    assert history(engine) == history_of_builds
    dbt_run_by_hand(engine)
    dbt_run_by_hand(engine, "--no-partial-parse")
    assert history(engine) == history_of_builds

    in_a_row = engine.tables()
    engine.dbt.run_operation("drop_warehouse")
    close_connections()
    engine.load()
    engine.build(tests=False)
    at_once = engine.tables()
    assert [table for table in at_once if in_a_row[table] != at_once[table]] == []
    assert len(at_once["analytics.songplays"]) > 20
