"""A tolerant load: what is left out is in load_rejects, all else is loaded, and a load counts before it commits."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from bad_values import BAD_LINES, REFUSED
from benches import Bench, RedshiftBench
from records import make_event, make_song

from pipeline.console.display import Display
from pipeline.dbt.runner import Dbt
from pipeline.errors import PipelineError, UsageError
from pipeline.load.load import load, plan_load
from pipeline.load.plan import LoadPlan, LoadReport
from pipeline.load.redshift import copy as redshift_load
from pipeline.load.rejects import TooManyRejectsError, UncountedRecordsError
from pipeline.settings import LoadOptions
from pipeline.warehouse.warehouse import Warehouse
from redshift_stand_in import copy_load
from redshift_stand_in.copy_records import records

EVENTS = "log_data/2018/11/1.json"
PACKED = "log_data/2018/11/2.json.gz"
GOOD = "log_data/2018/11/3.json"
REJECTS = "select file_key, line_number, column_name, raw_text, reason, table_name, source, load_id from load_rejects"


def put_bad_records(bench: Bench) -> list[tuple[str, int, str | None, str]]:
    """A source with every bad value and line of the table among good records; where each stands."""
    lines: list[tuple[str | bytes, str | None]] = [
        (json.dumps(make_event(itemInSession=number, **{key: value}), ensure_ascii=False), key)
        for number, (key, value, _) in enumerate(REFUSED)
    ]
    bad_lines = [line for line in BAD_LINES if not line.in_two]
    texts: list[str | bytes] = [json.dumps(make_event(sessionId=2)), ""]
    expected = []
    for text, key in lines:
        texts.append(text)
        expected.append((EVENTS, len(texts), key, str(text)))
    for line in bad_lines:
        texts += [line.text, json.dumps(make_event(sessionId=3, itemInSession=len(texts)))]
        expected.append((EVENTS, len(texts) - 1, None, line.shown))
    bench.put(EVENTS, *texts)
    bad_song = json.dumps(make_event(ts="soon", sessionId=4))
    packed = "\r\n".join(["", bad_song, json.dumps(make_event(sessionId=4))])
    bench.put(PACKED, gzip.compress(packed.encode(), mtime=0))
    expected.append((PACKED, 2, "ts", bad_song))
    bench.put(GOOD, make_event(sessionId=5), make_event(sessionId=5, itemInSession=1))
    song = json.dumps(make_song(song_id=None))
    bench.put("song_data/A/1.json", song, end=b"\n")
    bench.put("song_data/A/2.json", b"\xef\xbb\xbf" + json.dumps(make_song()).encode())
    expected.append(("song_data/A/1.json", 1, "song_id", song))
    return expected


def test_bad_records_are_left_out_and_kept_with_their_text(reader: Bench, figures: Callable[..., None]) -> None:
    count = load_bad_records(reader)
    reader.put("log_data/2018/11/4.json", make_event(sessionId=6))
    assert reader.load(max_errors=1).rejects is None
    reader.build()
    figures(3, "bad records, skipped by a tolerant load and kept with file, line and text", reader.engine_name, count)


def test_bad_records_of_merged_files_lead_to_the_original(redshift_bench: RedshiftBench) -> None:
    load_bad_records(redshift_bench, compact=True)


def load_bad_records(reader: Bench, *, compact: bool = False) -> int:
    expected = put_bad_records(reader)
    with pytest.raises(TooManyRejectsError) as refused:
        reader.load(compact=compact, max_errors=len(expected) - 1)
    assert f"{len(expected)} bad records in the source, but --max-errors is {len(expected) - 1}" in str(refused.value)
    assert f"{EVENTS}, line 3, ts: " in str(refused.value)
    assert reader.rows("select count(*) from load_history") == [(0,)]
    assert reader.rows("select count(*) from load_rejects") == [(0,)]
    assert reader.rows("select count(*) from staging_events") == [(0,)]

    report = reader.load(compact=compact, max_errors=len(expected))
    assert report.rejects.count == len(expected)
    assert report.rows == {"staging_events": 4 + len(BAD_LINES) - 1, "staging_songs": 1}
    found = reader.rows(REJECTS)
    assert sorted((row[:4] for row in found), key=str) == sorted(expected, key=str)
    assert all(row[4] for row in found)
    assert {row[5:] for row in found if row[0].startswith("song_data")} == {
        ("staging_songs", reader.address_of_source, report.load_id)
    }
    assert dict(reader.rows("select file_key, rejected_count from load_history")) == {
        EVENTS: len(expected) - 2,
        PACKED: 1,
        GOOD: 0,
        "song_data/A/1.json": 1,
        "song_data/A/2.json": 0,
    }
    assert len(reader.rows(report.rejects.query)) == len(expected)
    assert reader.rows("select distinct session_id from staging_events order by 1") == [(2,), (3,), (4,), (5,)]
    return len(expected)


@pytest.mark.thorough_on_redshift
def test_a_mended_file_takes_the_place_of_what_was_loaded_of_it(engine: Bench) -> None:
    engine.put(EVENTS, make_event(), make_event(itemInSession="x"))
    engine.put("song_data/A/1.json", make_song())
    first = engine.load(max_errors=1).load_id
    engine.put(EVENTS, make_event(), make_event(itemInSession=1))
    report = engine.load(reload=[EVENTS])
    assert (report.rejects, report.rows["staging_events"]) == (None, 2)
    assert engine.rows("select load_id from load_rejects") == [(first,)]
    assert engine.rows(
        f"select rejected_count, status from load_history where file_key = '{EVENTS}' order by load_id"
    ) == [
        (1, "replaced"),
        (0, "loaded"),
    ]
    engine.build()


def test_of_several_problems_the_first_in_the_columns_order_is_told(reader: Bench) -> None:
    reader.put(
        EVENTS,
        make_event(status="x", length=-1),
        make_event(ts=3.7, status="x"),
        make_event(ts=3.7, level="gold", page=""),
        make_event(page="", ts=2 * 10**15),
    )
    assert reader.load(only="events", max_errors=4).rejects.count == 4
    found = reader.rows("select line_number, column_name from load_rejects order by line_number")
    assert found == [(1, "length"), (2, "status"), (3, "level"), (4, "page")]
    assert reader.rows("select count(*) from staging_events") == [(0,)]


def test_a_load_without_bad_records_may_be_tolerant(reader: Bench) -> None:
    reader.put(EVENTS, make_event(), "", make_event(itemInSession=1), end=b"\n\n \r\n")
    report = reader.load(only="events", max_errors=5)
    assert report.rejects is None
    assert report.rows == {"staging_events": 2}
    assert reader.rows("select count(*) from load_rejects") == [(0,)]


def test_a_long_line_is_cut_at_a_letter(reader: Bench) -> None:
    reader.put(EVENTS, make_event(song="é" * 40000))
    reader.load(only="events", max_errors=1)
    raw = reader.rows("select raw_text from load_rejects")[0][0]
    assert len(raw) == 16383
    assert raw.endswith("é")


def test_a_damaged_gzip_file_is_an_error_as_a_whole(reader: Bench) -> None:
    content = gzip.compress(json.dumps(make_event()).encode() * 50)[:-20]
    reader.put(PACKED, content)
    with pytest.raises(PipelineError, match=r"2\.json\.gz"):
        reader.load(only="events", max_errors=100)
    assert not Warehouse(reader.settings).sources()


@pytest.mark.parametrize("value", ["-1", "x", "1.5", "100001", "1e3", "٣"])
def test_max_errors_is_a_number_within_copys_limit(value: str) -> None:
    with pytest.raises(UsageError, match="--max-errors"):
        LoadOptions.from_flags(max_errors=value)


def test_max_errors_goes_to_copys_limit() -> None:
    assert LoadOptions.from_flags(max_errors="100000").max_errors == 100_000
    assert LoadOptions.from_flags().max_errors == 0


@pytest.fixture
def big_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.load.duckdb.folder.SMALL_FILE_BYTES", 1)


@pytest.fixture(params=["lines", "files"])
def do_load(
    request: pytest.FixtureRequest, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> Callable[[LoadPlan], LoadReport]:
    monkeypatch.setattr("pipeline.load.duckdb.folder.SMALL_FILE_BYTES", 1_000_000 if request.param == "lines" else 1)
    return lambda plan: load(bench.settings, plan, bench.dbt, Display(quiet=True))


@pytest.mark.usefixtures("big_files")
def test_a_file_that_changes_between_counting_and_reading_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench.put(EVENTS, make_event(), make_event(itemInSession=1), end=b"\n")
    bench.put(GOOD, make_event(sessionId=2))
    run = Dbt.run_operation

    def append_and_run(dbt: Dbt, macro: str, **arguments: Any) -> None:
        path.write_bytes(path.read_bytes() + json.dumps(make_event(itemInSession=2)).encode())
        run(dbt, macro, **arguments)

    monkeypatch.setattr(Dbt, "run_operation", append_and_run)
    with pytest.raises(UncountedRecordsError) as refused:
        bench.load(only="events")
    monkeypatch.setattr(Dbt, "run_operation", run)
    assert str(refused.value).startswith(f"{EVENTS} has 2 records, of which 3 would be loaded and 0 rejected.")
    assert bench.rows("select count(*) from staging_events") == [(0,)]
    assert bench.rows("select count(*) from load_history") == [(0,)]
    assert bench.load(only="events").rows == {"staging_events": 4}


def test_a_file_that_changes_between_listing_and_counting_is_refused(
    bench: Bench, do_load: Callable[[LoadPlan], LoadReport]
) -> None:
    path = bench.put(EVENTS, make_event(), end=b"\n")
    plan = plan_load(bench.settings, str(bench.source), LoadOptions.from_flags(only="events"))
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(PipelineError, match=r"1\.json changed while it was being loaded"):
        do_load(plan)
    assert not Warehouse(bench.settings).sources()


@pytest.mark.parametrize("max_errors", [0, 5])
def test_a_copy_that_loses_a_record_is_refused(
    redshift_bench: RedshiftBench, monkeypatch: pytest.MonkeyPatch, max_errors: int
) -> None:
    def lossy(chunks: Any) -> Any:
        return (record for record in records(chunks) if record.line != 2 or '"itemInSession"' not in record.raw)

    redshift_bench.put(EVENTS, *[make_event(itemInSession=item) for item in range(3)])
    if max_errors:
        redshift_bench.put(EVENTS, *[make_event(itemInSession=item) for item in (0, 1, 2, "x")])
    monkeypatch.setattr(copy_load, "records", lossy)
    with pytest.raises(UncountedRecordsError, match=f"^{EVENTS} has . records, of which 2 would be loaded"):
        redshift_bench.load(only="events", max_errors=max_errors)
    assert redshift_bench.rows("select count(*) from staging_events") == [(0,)]
    assert redshift_bench.rows("select count(*) from load_history") == [(0,)]


@pytest.mark.parametrize(
    "lines", [['{"a": 1,', '"b": 2}'], [json.dumps(make_event()) + " " + json.dumps(make_event())]]
)
def test_a_line_that_is_not_one_record_stops_copy_in_a_tolerant_load_too(
    redshift_bench: RedshiftBench, lines: list[str]
) -> None:
    """COPY takes objects wherever they begin and end. Lines that are none would leave no way to count."""
    record = json.dumps(make_event(itemInSession=1), indent=0)
    redshift_bench.put(EVENTS, make_event(), *(lines if len(lines) == 1 else [record]))
    with pytest.raises(PipelineError, match=f"{EVENTS}, line 2: malformed JSON"):
        redshift_bench.load(only="events", max_errors=5)
    assert redshift_bench.rows("select count(*) from staging_events") == [(0,)]


def test_a_view_that_is_late_is_waited_for_or_done_without(
    redshift_bench: RedshiftBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SYS_LOAD_DETAIL says nothing: the load waits, then counts the records in the files itself."""
    asked: list[str] = []
    monkeypatch.setattr(redshift_load, "_wait", asked.append)
    monkeypatch.setattr(copy_load.Load, "files", property(lambda _: [], lambda *_: None), raising=False)
    redshift_bench.put(EVENTS, make_event(), "", make_event(itemInSession=1))
    assert redshift_bench.load(only="events").rows == {"staging_events": 2}
    assert asked == ["pause"] * 9
