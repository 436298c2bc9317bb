"""Models built one by one, by hand, in whatever order: the next whole build gives the tables of one build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from forked import Life
from killed_warehouse import write_files
from records import make_event, make_song

FIRST = {
    "log_data/1.json": [make_event(itemInSession=n, level=level) for n, level in enumerate(("free", "free", "paid"))],
    "song_data/1.json": [make_song(song_id="SO9", title="Another")],
}
# A later play, and a song that the plays are found to be of; an event again with a content that wins.
LATER, AGAIN = make_event(itemInSession=3, ts=1541105990796), make_event(itemInSession=1, location="Akron, OH")


@pytest.mark.parametrize(
    ("second", "builds"),
    [
        ([LATER], ["--select stg_events"]),
        ([LATER], ["--select +songplays", "--select daily_listening hourly_plays --full-refresh"]),
        ([LATER], ["--select stg_events", "--select songplays user_journeys --full-refresh"]),
        ([LATER], ["--select stg_songs stg_events", "--select songs int_heard_songs weekly_song_plays --full-refresh"]),
        ([LATER, AGAIN], ["--select stg_events --full-refresh"]),
        ([LATER, AGAIN], ["--select stg_events --full-refresh", "--select songplays sessions"]),
    ],
)
def test_models_built_in_any_order_end_as_one_build(
    tmp_path: Path, second: list[dict[str, Any]], builds: list[str]
) -> None:
    life = Life(tmp_path / "lived", tmp_path / "source")
    write_files(life.source, FIRST)
    life.load()
    life.build()
    write_files(life.source, {"log_data/2.json": second, "song_data/2.json": [make_song()]})
    life.load()
    for arguments in builds:
        life.build(*arguments.split())
    life.build()
    at_once = Life(tmp_path / "at_once", life.source)
    at_once.load()
    at_once.build()
    found, expected = life.tables(), at_once.tables()
    assert [table for table in expected if found[table] != expected[table]] == []
