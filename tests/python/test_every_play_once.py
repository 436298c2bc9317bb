"""Promise 1 and the rules of determinism: the star is what plain Python makes of the records, however they arrive."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from benches import Bench
from duckdb_file import tables
from records import make_event, make_song
from reference import star

from pipeline.console.display import Display
from pipeline.dbt.runner import Dbt
from pipeline.dbt.session import close_connections
from pipeline.load.load import load, plan_load
from pipeline.settings import LoadOptions
from pipeline.source.simulate import Simulation, simulate

Record = dict[str, Any]

COLUMNS = {
    "songplays": "songplay_id, start_time, user_id, level, song_id, artist_id, session_id, location, user_agent, "
    "item_in_session, heard_song_id, user_agent_id, song_duration",
    "users": "user_id, first_name, last_name, gender, level, registered_at, first_seen_at, last_seen_at",
    "songs": "song_id, title, artist_id, year, duration, is_catalogued",
    "artists": "artist_id, name, location, latitude, longitude, is_catalogued",
    "time": "start_time, hour, day, week, month, year, weekday",
    "user_levels": "user_id, level, valid_from, valid_to, is_current, previous_level",
    "sessions": "session_key, session_id, user_id, started_at, ended_at, level, event_count, play_count, "
    "listening_seconds, duration_seconds",
}


def load_new(bench: Bench) -> None:
    plan = plan_load(bench.settings, str(bench.source), LoadOptions())
    load(bench.settings, plan, bench.dbt, Display(quiet=True))


def build(bench: Bench) -> None:
    # A fresh parse each time: building writes into the manifest.
    Dbt(bench.settings).command("build", "--exclude-resource-type", "unit_test")
    close_connections()


def assert_star(bench: Bench, events: list[Record], songs: list[Record]) -> None:
    expected = star(events, songs)
    for table, columns in COLUMNS.items():
        found = bench.rows(f"select {columns} from {table}")
        assert len(found) == len(set(found)), f"{table} has a row twice"
        assert set(found) == expected[table], table


def messy(
    folder: Path, seed: int, *, events: int = 3000, users: int = 30, songs: int = 400
) -> tuple[list[Record], list[Record]]:
    """A simulated source's records, made worse: repeats, contradictions, other spellings, further recordings."""
    simulate(folder, Simulation(events=events, users=users, songs=songs, days=10, seed=seed))
    read = [json.loads(line) for path in sorted(folder.glob("log_data/**/*.json")) for line in path.open()]
    catalogue = [json.loads(path.read_text()) for path in sorted(folder.glob("song_data/**/*.json"))]
    draw = random.Random(seed)  # noqa: S311
    delivered = list(read)
    for event in draw.sample(read, len(read) // 10):
        delivered.append(dict(event))  # delivered again
        changed = draw.choice(["level", "song", "artist", "length", "page", "userAgent", "location"])
        values = {
            "level": draw.choice(["free", "paid"]),
            "song": draw.choice(["Aaa", "zzz", None]),
            "artist": draw.choice(["Aaa", "zzz", None]),
            "length": draw.choice([1.5, 999.25, None]),
            "page": draw.choice(["Home", "NextSong"]),
            "userAgent": draw.choice(['"Agent/2"', None]),
            "location": draw.choice(["", None, "Akron, OH"]),
        }
        delivered.append({**event, changed: values[changed]})
    heard = [event for event in read if event["song"]]
    for event in draw.sample(heard, len(heard) // 15):
        spelling = draw.choice([str.upper, str.lower, lambda text: f" {text} "])
        delivered.append(
            {
                **event,
                "song": spelling(event["song"]) if event["song"].isascii() else event["song"],
                "itemInSession": event["itemInSession"] + 500,
                "ts": event["ts"] + draw.choice([0, 1, -86_400_000]),
            }
        )
    for song in draw.sample(catalogue, len(catalogue) // 7):
        catalogue.append(
            {**song, "song_id": song["song_id"] + "X", "duration": song["duration"] + draw.choice([0, 1.5])}
        )
        catalogue.append(
            {**song, "artist_id": "AR0" + song["artist_id"], "song_id": song["song_id"] + "Y", "title": "Other"}
        )
        catalogue.append({**song, "title": draw.choice([song["title"], "Aaa"])})
        nameless = {"artist_name": draw.choice([None, ""]), "title": draw.choice([None, "", song["title"]])}
        catalogue.append({**song, **nameless, "song_id": song["song_id"] + "Z"})
    return delivered, catalogue


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
