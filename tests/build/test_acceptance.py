"""What holds on every engine: DuckDB, the Redshift stand-in and, with --integration, the Redshift that is at hand."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from benches import Bench, RedshiftBench
from projects import REAL_DATA
from records import make_event, make_song
from stars import assert_star, messy

from pipeline.source.simulate import Simulation, simulate

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


def test_keys_that_no_column_takes_are_told(engine: Bench) -> None:
    engine.put(EVENTS, make_event(mood="fine"))
    assert engine.load(only="events").warnings == ["staging_events: ignored keys without a column: mood"]
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


def test_two_engines_hold_the_same_rows(
    bench: Bench, redshift_bench: RedshiftBench, tmp_path: Path, figures: Callable[..., None]
) -> None:
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
    figures(4, "rows from simulated files, equal on both engines", "both", assert_same(bench, redshift_bench))
    skew = "select skew_rows from svv_table_info where \"schema\" = 'analytics' and \"table\" = 'songplays'"
    assert redshift_bench.rows(skew)[0][0] < 1.5


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real data is not beside this checkout")
def test_real_rows_in_shuffled_deliveries_on_one_engine_are_those_at_once_on_the_other(
    bench: Bench, redshift_bench: RedshiftBench, figures: Callable[..., None]
) -> None:
    shutil.copytree(REAL_DATA, bench.source)
    lines = {
        kind: [line for path in sorted((REAL_DATA / kind).rglob("*.json")) for line in path.read_bytes().splitlines()]
        for kind in ("log_data", "song_data")
    }
    for share in (0.6, 1):  # the second one repeats the first
        for kind, of_kind in lines.items():
            redshift_bench.put(f"{kind}/{share}.json", *random.Random(share).sample(of_kind, int(share * len(of_kind))))  # noqa: S311
        redshift_bench.load()
        redshift_bench.build(tests=False)
    bench.load()
    bench.build(tests=False)
    rows = assert_same(bench, redshift_bench)
    figures(4, "rows from real files, in one load on one engine and in shuffled loads on the other", "both", rows)


def assert_same(bench: Bench, redshift_bench: RedshiftBench) -> int:
    """The staging models and the star have the same rows on both; so many of them."""
    expected, found = bench.tables(), redshift_bench.tables()
    assert found.keys() == expected.keys()
    for table, table_rows in expected.items():
        assert found[table] == table_rows, table
    return sum(map(len, expected.values()))
