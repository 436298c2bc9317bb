"""Promise 1 and the rules of determinism: the star is what plain Python makes of the records, however they arrive."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from benches import Bench
from duckdb_file import tables
from records import make_event, make_song
from stars import assert_star, messy

from pipeline.console.display import Display
from pipeline.dbt.runner import Dbt
from pipeline.dbt.session import close_connections
from pipeline.load.load import load, plan_load
from pipeline.settings import LoadOptions


def load_new(bench: Bench) -> None:
    plan = plan_load(bench.settings, str(bench.source), LoadOptions())
    load(bench.settings, plan, bench.dbt, Display(quiet=True))


def build(bench: Bench) -> None:
    # A fresh parse each time: building writes into the manifest.
    Dbt(bench.settings).command("build", "--exclude-resource-type", "unit_test")
    close_connections()


@pytest.mark.parametrize("seed", [1, 2])
def test_messy_input_gives_the_reference_star_in_any_order_of_arrival(bench: Bench, tmp_path: Path, seed: int) -> None:
    events, songs = messy(tmp_path / "simulated", seed)
    random.Random(seed).shuffle(events)  # noqa: S311
    deliveries = [events[start::5] for start in range(5)]
    for number, delivery in enumerate(deliveries):
        bench.put(f"log_data/{number}.json", *delivery)
    for number, song in enumerate(songs):
        bench.put(f"song_data/A/{number}.json", song)
    load_new(bench)
    build(bench)
    assert_star(bench, events, songs)
    at_once = tables(bench.settings.work_database)

    # The same records from the last delivery to the first, one load each, the catalogue in the middle.
    bench.settings.work_database.unlink()
    for path in [*bench.source.glob("log_data/*"), *bench.source.glob("song_data/A/*")]:
        path.unlink()
    bench.put("song_data/A/none.json")
    for number, delivery in enumerate(reversed(deliveries)):
        bench.put(f"log_data/{number}.json", *reversed(delivery))
        if number == 2:
            bench.put("song_data/A/all.json", *songs)
        load_new(bench)
        if number in (1, 4):
            build(bench)
    assert tables(bench.settings.work_database) == at_once


def test_the_catalogue_arrives_after_the_plays(bench: Bench) -> None:
    events = [
        make_event(),
        make_event(itemInSession=1, song="Other"),
        make_event(itemInSession=2, artist="Bob", song="Solo"),
    ]
    bench.put("log_data/1.json", *events)
    bench.put("song_data/A/none.json")
    load_new(bench)
    build(bench)
    assert_star(bench, events, [])
    assert bench.rows("select count(*) from songs where is_catalogued") == [(0,)]

    songs = [make_song(), make_song(song_id="SO2", artist_id="AR2", artist_name="BOB", title="Else")]
    bench.put("song_data/A/1.json", songs[0])
    bench.put("song_data/A/2.json", songs[1])
    load_new(bench)
    build(bench)
    assert_star(bench, events, songs)
    assert bench.rows("select song_id, artist_id from songplays order by item_in_session")[0] == ("SO1", "AR1")
    assert bench.rows("select artist_id from songplays order by item_in_session")[1:] == [("AR1",), ("AR2",)]


def test_plays_without_a_user_are_counted_and_no_plays(bench: Bench) -> None:
    events = [make_event(), make_event(userId="", itemInSession=1), make_event(itemInSession=2, artist=None, song=None)]
    bench.put("log_data/1.json", *events)
    bench.put("song_data/A/1.json", make_song())
    load_new(bench)
    build(bench)
    assert_star(bench, events, [make_song()])
    assert bench.rows("select count(*) from songplays") == [(2,)]
    assert bench.rows(
        "select title, name from songplays join songs using (song_id) join artists on "
        "songs.artist_id = artists.artist_id where item_in_session = 2"
    ) == [("Unknown", "Unknown")]
