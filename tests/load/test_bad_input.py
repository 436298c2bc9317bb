"""What a load takes, what it refuses, and that it says which record of which file and why.

The table of values and lines holds on both engines; on DuckDB it is read twice: in a small file, line by line, and in a
big one, by DuckDB's own reader. What a tolerant load does with it is in test_rejects.py.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from bad_values import BAD_LINES, ON_DUCKDB_ONLY, REFUSED, TAKEN, BadLine, column_of
from benches import Bench
from records import make_event, make_song

from pipeline.console.display import Display
from pipeline.errors import PipelineError, UsageError
from pipeline.load.duckdb import folder as load_folder
from pipeline.load.load import load, plan_load
from pipeline.load.plan import LoadReport
from pipeline.settings import LoadOptions

EVENTS = "log_data/2018/11/2018-11-01-events.json"
SONGS = "song_data/A/A/A/TRAAA.json"
STRICT = "bad values and lines, each reported by a strict load that loads nothing"


def is_duckdb(bench: Bench) -> bool:
    return bench.settings.target == "duckdb"


def assert_nothing_loaded(bench: Bench) -> None:
    for table in ("staging_events", "staging_songs", "load_history", "load_rejects"):
        assert bench.rows(f"select count(*) from {table}") == [(0,)]


@pytest.fixture(params=["lines", "files"])
def do_load(request: pytest.FixtureRequest, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LoadReport]:
    """Load the bench's source with the reader for small files or with the one for big files."""
    monkeypatch.setattr(load_folder, "SMALL_FILE_BYTES", 1_000_000 if request.param == "lines" else 1)

    def run(**options: Any) -> LoadReport:
        plan = plan_load(bench.settings, str(bench.source), LoadOptions.from_flags(**options))
        return load(bench.settings, plan, bench.dbt, Display(quiet=True))

    return run


def test_values_that_are_taken(reader: Bench, figures: Callable[..., None]) -> None:
    events = [make_event(itemInSession=number, **{key: value}) for number, (key, value, _) in enumerate(TAKEN)]
    reader.put(EVENTS, *events)
    reader.load(only="events")
    for number, (key, _, loaded) in enumerate(TAKEN):
        found = reader.rows(f"select {column_of(key)} from staging_events where item_in_session = {number}")[0][0]
        assert (float(found) if key == "length" else found) == loaded, (key, loaded)
    figures(4, "values, loaded as the table of expected values says", reader.engine_name, len(TAKEN))


@pytest.mark.parametrize(("key", "value", "reason"), REFUSED)
def test_a_value_that_is_refused_is_named_and_nothing_is_loaded(
    reader: Bench, figures: Callable[..., None], key: str, value: Any, reason: str
) -> None:
    reader.put("log_data/2018/11/2018-11-02-events.json", make_event(sessionId=2))
    reader.put(EVENTS, make_event(), make_event(itemInSession=1), make_event(itemInSession=2, **{key: value}))
    with pytest.raises(PipelineError) as refused:
        reader.load(only="events")
    is_ours = is_duckdb(reader) or reason.startswith("not between")  # which COPY does not check
    assert f"{EVENTS}, line 3, {key}: {reason if is_ours else ''}" in str(refused.value)
    shown = value if isinstance(value, str) else json.dumps(value)
    assert value is None or repr(shown[:20])[:-1] in str(refused.value)
    assert_nothing_loaded(reader)
    figures(3, STRICT, reader.engine_name, 1)


@pytest.mark.parametrize("line", BAD_LINES, ids=str)
def test_a_line_that_is_no_record_is_named_and_nothing_is_loaded(
    reader: Bench, figures: Callable[..., None], line: BadLine
) -> None:
    blank = "" if is_duckdb(reader) or not line.in_two else json.dumps(make_event(itemInSession=2))
    reader.put(EVENTS, make_event(), blank, line.text, make_event(itemInSession=1))
    with pytest.raises(PipelineError) as refused:
        reader.load(only="events")
    assert f"{EVENTS}, line 3: {line.reason if is_duckdb(reader) else ''}" in str(refused.value)
    assert repr(line.shown[:20])[:-1] in str(refused.value)
    assert_nothing_loaded(reader)
    figures(3, STRICT, reader.engine_name, 1)


@pytest.mark.parametrize(("key", "value", "outcome"), ON_DUCKDB_ONLY)
def test_values_that_redshift_takes_otherwise(
    bench: Bench, do_load: Callable[..., LoadReport], key: str, value: Any, outcome: Any
) -> None:
    bench.put(EVENTS, make_event(itemInSession=1, **{key: value}))
    if isinstance(outcome, str) and outcome.startswith(("not", "longer")):
        with pytest.raises(PipelineError, match=f"{EVENTS}, line 1, {key}: {outcome}"):
            do_load(only="events")
    else:
        do_load(only="events")
        assert bench.rows(f"select {column_of(key)} from staging_events") == [(outcome,)]


def test_every_bad_record_is_named_and_good_files_of_the_load_are_not_loaded(
    bench: Bench, do_load: Callable[..., LoadReport]
) -> None:
    bench.put(EVENTS, make_event(), make_event(ts=1.5), make_event(page=None, status="x"))
    bench.put("log_data/2018/11/2018-11-02-events.json", make_event(sessionId=2))
    with pytest.raises(PipelineError, match="3 bad values") as failure:
        do_load(only="events")
    assert f"{EVENTS}, line 2, ts: not of type bigint: '1.5'" in str(failure.value)
    assert f"{EVENTS}, line 3, page: missing" in str(failure.value)
    assert f"{EVENTS}, line 3, status: not of type integer: 'x'" in str(failure.value)
    assert bench.rows("select count(*) from staging_events") == [(0,)]


def test_numbers_where_names_are_expected_are_text(bench: Bench, do_load: Callable[..., LoadReport]) -> None:
    bench.put(SONGS, make_song(artist_name=1975, artist_location=99, title="True", artist_latitude=-1.5))
    do_load(only="songs")
    assert bench.rows("select artist_name, artist_location, title, artist_latitude from staging_songs") == [
        ("1975", "99", "True", -1.5)
    ]


def test_a_missing_key_is_null_and_an_unknown_one_is_named(reader: Bench) -> None:
    record = make_event(device="x")
    del record["artist"]
    reader.put(EVENTS, record, end=b"\n")
    report = reader.load(only="events")
    assert reader.rows("select artist, song from staging_events") == [(None, "Tune")]
    assert report.warnings == ["staging_events: ignored keys without a column: device"]


def test_a_missing_key_of_a_column_that_needs_one_is_refused(reader: Bench) -> None:
    record = make_event()
    del record["sessionId"]
    reader.put(EVENTS, make_event(), record)
    with pytest.raises(PipelineError, match=f"{EVENTS}, line 2, sessionId: "):
        reader.load(only="events")
    assert_nothing_loaded(reader)


def test_late_events_in_two_files_are_one_play_and_the_level_follows_the_event(reader: Bench) -> None:
    first, last = make_event(ts=10**12, level="free"), make_event(ts=10**12 + 60000, itemInSession=1, level="paid")
    reader.put("log_data/2.json", last, first)
    reader.load(only="events")
    reader.put("log_data/3.json", first, make_event(ts=10**12 - 60000, itemInSession=9, level="free"))
    reader.put("log_data/1.json", last)
    reader.put(SONGS, make_song())
    reader.load()
    reader.build(tests=False)
    assert reader.rows("select count(*), count(distinct songplay_id) from songplays") == [(3, 3)]
    assert reader.rows("select level from users") == [("paid",)]


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [
        ("empty.json", b"", 0),
        ("newline.json", b"\n", 0),
        ("no-newline.json", json.dumps(make_event()).encode(), 1),
        ("crlf.json", b"\r\n".join(json.dumps(make_event(itemInSession=i)).encode() for i in range(3)) + b"\r\n", 3),
        ("bom.json", b"\xef\xbb\xbf" + json.dumps(make_event()).encode(), 1),
        ("blanks.json", b"\n" + json.dumps(make_event()).encode() + b"\n \t\r\n\n", 1),
        ("marked.json.gz", gzip.compress(b"\xef\xbb\xbf" + json.dumps(make_event()).encode(), mtime=0), 1),
        ("packed.json.gz", gzip.compress(json.dumps(make_event()).encode() + b"\n", mtime=0), 1),
        ("PACKED.JSON.GZ", gzip.compress(json.dumps(make_event()).encode() + b"\n", mtime=0), 1),
        ("page=Home/level=gold.json", json.dumps(make_event()).encode(), 1),
        ("a[1]*?{b}.json", json.dumps(make_event()).encode(), 1),
        ("🎵é.json", json.dumps(make_event()).encode(), 1),
        ("it's one.json", json.dumps(make_event()).encode(), 1),
    ],
)
def test_forms_of_files(reader: Bench, figures: Callable[..., None], name: str, content: bytes, count: int) -> None:
    reader.put(f"log_data/{name}", content)
    reader.load(only="events")
    assert reader.rows("select count(*) from staging_events where page = 'NextSong'") == [(count,)]
    assert reader.rows("select file_key, size_bytes, rejected_count from load_history") == [
        (f"log_data/{name}", len(content), 0)
    ]
    if is_duckdb(reader):
        assert reader.rows("select row_count from load_history") == [(count,)]
    figures(3, "file formats, loaded completely", reader.engine_name, 1)


def test_names_that_look_like_patterns_are_names(bench: Bench, do_load: Callable[..., LoadReport]) -> None:
    names = ("a[1].json", "a1.json", "a*.json", "ab.json", "a?.json", "{a,b}.json", "a\\b.json")
    for number, name in enumerate(names):
        bench.put(f"log_data/{name}", *(make_event(sessionId=number, itemInSession=item) for item in range(number + 1)))
    do_load(only="events")
    found = dict(bench.rows("select source_file, count(*) from staging_events group by 1"))
    assert found == {f"log_data/{name}": number + 1 for number, name in enumerate(names)}
    assert dict(bench.rows("select file_key, row_count from load_history")) == found


def test_a_damaged_gzip_file_is_named(bench: Bench, do_load: Callable[..., LoadReport]) -> None:
    path = bench.put("log_data/cut.json.gz")
    path.write_bytes(gzip.compress(json.dumps(make_event()).encode() * 50)[:-20])
    with pytest.raises(PipelineError, match=r"cut\.json\.gz: not a valid gzip file"):
        do_load(only="events")


def test_rows_tell_their_load_and_their_file(bench: Bench, do_load: Callable[..., LoadReport]) -> None:
    bench.put(EVENTS, make_event(), make_event(itemInSession=1))
    bench.put(SONGS, make_song())
    report = do_load()
    assert report.rows == {"staging_events": 2, "staging_songs": 1}
    assert bench.rows("select distinct load_id, source_file from staging_events") == [(report.load_id, EVENTS)]
    assert bench.rows("select distinct load_id, source_file from staging_songs") == [(report.load_id, SONGS)]
    assert bench.rows("select file_key, table_name, row_count, source from load_history order by file_key") == [
        (EVENTS, "staging_events", 2, str(bench.source)),
        (SONGS, "staging_songs", 1, str(bench.source)),
    ]


def test_only_new_files_are_loaded(bench: Bench, do_load: Callable[..., LoadReport]) -> None:
    bench.put(EVENTS, make_event())
    do_load(only="events")
    plan = plan_load(bench.settings, str(bench.source), LoadOptions.from_flags(only="events"))
    assert plan.files == []
    bench.put("log_data/later.json", make_event(sessionId=2))
    assert do_load(only="events").files == {"staging_events": 1}
    assert bench.rows("select session_id from staging_events order by 1") == [(1,), (2,)]


def test_a_changed_file_stops_the_load_and_a_touched_one_does_not(reader: Bench) -> None:
    reader.put(EVENTS, make_event())
    reader.load(only="events")
    options = LoadOptions.from_flags(only="events")
    path = reader.source / EVENTS
    if is_duckdb(reader):  # S3 has an ETag to go by
        path.touch()
    assert plan_load(reader.settings, reader.address_of_source, options).files == []
    reader.put(EVENTS, path.read_bytes().replace(b"Tune", b"Tone"))
    with pytest.raises(PipelineError, match="changed since it was loaded: log_data"):
        plan_load(reader.settings, reader.address_of_source, options)


def test_an_empty_prefix_is_refused(reader: Bench) -> None:
    reader.put(EVENTS, make_event())
    with pytest.raises(PipelineError, match=r"no JSON files below song_data/") as refused:
        reader.load()
    assert "\n" not in str(refused.value)


def test_another_source_is_refused_until_it_is_added(bench: Bench, do_load: Callable[..., LoadReport]) -> None:
    bench.put(EVENTS, make_event())
    do_load(only="events")
    other = bench.source.with_name("other")
    bench.source.rename(other)
    with pytest.raises(UsageError, match="--add-source"):
        plan_load(bench.settings, str(other), LoadOptions.from_flags(only="events"))
    plan = plan_load(bench.settings, str(other), LoadOptions.from_flags(only="events", add_source=True))
    assert [file.key for file in plan.files] == [EVENTS]


def test_parts_of_a_source(bench: Bench) -> None:
    for name in ("A/A/A/TR1", "A/A/B/TR2", "A/B/A/TR3", "B/A/A/TR4"):
        bench.put(f"song_data/{name}.json", make_song(song_id=name[-3:]))
    bench.put(EVENTS, make_event())
    bench.put("log_data/2018/11/2018-11-02-events.json", make_event(sessionId=2))
    bench.put("log_data/notes.txt", "no data")

    def keys(**options: Any) -> list[str]:
        plan = plan_load(bench.settings, str(bench.source), LoadOptions.from_flags(**options))
        return [file.key for file in plan.files]

    assert len(keys()) == 6
    assert keys(only="songs", song_prefix="A/A") == ["song_data/A/A/A/TR1.json", "song_data/A/A/B/TR2.json"]
    assert keys(sample=True) == [EVENTS, "song_data/A/A/A/TR1.json"]
    with pytest.raises(PipelineError, match="no JSON files below song_data/Z/"):
        keys(only="songs", song_prefix="Z")
    for flags in ({"only": "users"}, {"song_prefix": "../x"}, {"song_prefix": "A'"}):
        with pytest.raises(UsageError):
            keys(**flags)
