"""What holds on every engine: DuckDB, the Redshift stand-in and, with --integration, the Redshift that is at hand."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import REAL_DATA, Bench, RedshiftBench, make_event, make_song
from test_every_play_once import assert_star, messy

from pipeline.errors import PipelineError
from pipeline.simulate import Simulation, simulate

EVENTS = "log_data/2018/11/2018-11-01-events.json"
SONGS = "song_data/A/A/A/TRAAA.json"


def test_messy_input_gives_the_reference_star(engine: Bench, tmp_path: Path) -> None:
    events, songs = messy(tmp_path / "simulated", seed=3, events=1200, users=15, songs=120)
    random.Random(3).shuffle(events)  # noqa: S311
    engine.put("log_data/1.json", *events[:500])
    engine.put("log_data/2.json", *events[500:1000])
    engine.put("song_data/A/1.json", *songs[:60])
    engine.load()
    engine.build(tests=False)
    engine.put("log_data/3.json", *events[1000:])
    engine.put("song_data/A/2.json", *songs[60:])
    assert engine.load().files == {"staging_events": 1, "staging_songs": 1}
    engine.build()
    assert_star(engine, events, songs)


TAKEN = [
    ("ts", 5, 5),
    ("ts", "5", 5),
    ("registration", 1540919166796.0, 1540919166796),
    ("registration", "", None),
    ("registration", None, None),
    ("userId", "", None),
    ("userId", 7, 7),
    ("status", -1, -1),
    ("song", 3, "3"),
    ("song", " 3 ", " 3 "),
    ("song", 'a "b" \\ \t\u0018\n', 'a "b" \\ \t\u0018\n'),
    ("song", "é" * 1024, "é" * 1024),
    ("song", "", ""),
    ("artist", None, None),
    ("length", 0.1, 0.1),
    ("length", "12.5", 12.5),
    ("length", 1e2, 100),
    ("length", 200.123456, 200.12346),
    ("level", "", ""),
]


def test_values_that_are_taken(engine: Bench) -> None:
    engine.put(
        EVENTS, *[make_event(itemInSession=number, **{key: value}) for number, (key, value, _) in enumerate(TAKEN)]
    )
    engine.load(only="events")
    for number, (key, _, loaded) in enumerate(TAKEN):
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)
        found = engine.rows(f"select {name} from staging_events where item_in_session = {number}")[0][0]
        assert (float(found) if key == "length" else found) == loaded, (key, loaded)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ts", 3.7),
        ("ts", True),
        ("ts", None),
        ("ts", str(2**63)),
        ("ts", 1541105830796000),
        ("userId", "seven"),
        ("status", 2**31),
        ("song", "é" * 1025),
        ("length", "long"),
        ("length", 1e6),
        ("level", "Paid"),
    ],
)
def test_a_value_that_is_refused_is_named_and_nothing_is_loaded(engine: Bench, key: str, value: Any) -> None:
    engine.put("log_data/2018/11/good.json", make_event())
    engine.put(EVENTS, make_event(), make_event(itemInSession=1, **{key: value}), make_event(itemInSession=2))
    with pytest.raises(PipelineError) as refused:
        engine.load(only="events")
    assert f"{EVENTS}, line 2, {key}: " in str(refused.value)
    shown = value if isinstance(value, str) else json.dumps(value)
    assert value is None or repr(str(shown)[:20])[:-1] in str(refused.value)
    assert engine.rows("select count(*) from staging_events") == [(0,)]
    assert engine.rows("select count(*) from load_history") == [(0,)]


def test_a_line_that_is_no_json_is_named(engine: Bench) -> None:
    engine.put(EVENTS, make_event(), '{"ts": 1,', make_event(itemInSession=1))
    with pytest.raises(PipelineError, match=rf"{EVENTS}, line 2: .*'{{\"ts\": 1,'"):
        engine.load(only="events")
    assert engine.rows("select count(*) from staging_events") == [(0,)]


def test_keys_that_no_column_takes_are_told(engine: Bench) -> None:
    engine.put(EVENTS, make_event(mood="fine"))
    assert engine.load(only="events").warnings == ["staging_events: records have keys that no column takes: mood"]
    assert engine.rows("select count(*) from staging_events") == [(1,)]


def test_the_sample_is_one_folder_of_songs_and_one_file_of_events(engine: Bench) -> None:
    for name in ("A/A/1", "A/A/2", "B/1"):
        engine.put(f"song_data/{name}.json", make_song(song_id=name))
    engine.put("log_data/1.json", make_event())
    engine.put("log_data/2.json", make_event(sessionId=2))
    report = engine.load(sample=True)
    assert report.files == {"staging_events": 1, "staging_songs": 2}
    assert engine.rows("select file_key from load_history order by file_key") == [
        ("log_data/1.json",),
        ("song_data/A/A/1.json",),
        ("song_data/A/A/2.json",),
    ]


def put_simulated(bench: Bench, folder: Path) -> None:
    simulate(folder, Simulation(events=2000, users=30, songs=150, days=6, seed=5))
    for path in sorted(folder.rglob("*.json")):
        bench.put(path.relative_to(folder).as_posix(), path.read_bytes())


def test_two_engines_hold_the_same_rows(bench: Bench, redshift_bench: RedshiftBench, tmp_path: Path) -> None:
    """Simulated files with all traps, texts with blanks at their ends among them."""
    blanks = [
        make_event(song="Tune ", itemInSession=11),
        make_event(song="Tune", itemInSession=12, artist="Ann  "),
        make_event(song="   ", itemInSession=13),
        make_event(userAgent='"Agent/1 "', itemInSession=14),
        make_event(location="Akron, OH ", itemInSession=15, page="NextSong "),
        make_event(song="Tune ", itemInSession=11, location="Zion, IL"),
        make_event(song="Tune", itemInSession=11, location="Akron, OH"),
    ]
    songs = [make_song(title="Tune "), make_song(title="Tune", year=1999), make_song(song_id="SO2 ", artist_name=" ")]
    for each in (bench, redshift_bench):
        put_simulated(each, tmp_path / "simulated")
        each.put("log_data/blanks.json", *blanks)
        each.put("song_data/Z/blanks.json", *songs)
        each.load()
        each.build()
    assert_same(bench, redshift_bench)
    skew = "select skew_rows from svv_table_info where \"schema\" = 'analytics' and \"table\" = 'songplays'"
    assert redshift_bench.rows(skew)[0][0] < 1.5


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real data is not beside this checkout")
def test_two_engines_hold_the_same_real_rows(bench: Bench, redshift_bench: RedshiftBench) -> None:
    shutil.copytree(REAL_DATA, bench.source)
    for path in sorted(REAL_DATA.rglob("*.json")):
        if path.parent != REAL_DATA:
            redshift_bench.put(path.relative_to(REAL_DATA).as_posix(), path.read_bytes())
    for each in (bench, redshift_bench):
        each.load()
        each.build(tests=False)
    assert_same(bench, redshift_bench)


def assert_same(bench: Bench, redshift_bench: RedshiftBench) -> None:
    expected, found = bench.tables(), redshift_bench.tables()
    assert found.keys() == expected.keys()
    for table, table_rows in expected.items():
        assert found[table] == table_rows, table
