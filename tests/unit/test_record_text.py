"""U+0000 in a text, and a key given twice: refused with file, line and key on both engines.

On Redshift only with --check-text; without it the stand-in shows what COPY makes of them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from benches import Bench, RedshiftBench
from records import make_event, make_song

from pipeline.errors import PipelineError, UsageError
from pipeline.load.plan import LoadReport
from pipeline.load.redshift.problems import SourceText
from pipeline.load.rejects import TooManyRejectsError
from pipeline.warehouse.warehouse import Warehouse

EVENTS = "log_data/2018/11/1.json"
GOOD = "log_data/2018/11/2.json"
NUL = "contains \\u0000"
REPEATED = "key given more than once"


def text_of(**changes: Any) -> str:
    return json.dumps(make_event(**changes))


def beside(text: str, **changes: Any) -> str:
    """An event with more text before its end."""
    return f"{text_of(**changes)[:-1]}, {text}}}"


FLAWED = [
    (text_of(song="AC\0DC"), "song", NUL, "'AC\\x00DC'"),
    (text_of(artist="\0Ann"), "artist", NUL, "'\\x00Ann'"),
    (text_of(userId="7\0"), "userId", NUL, "'7\\x00'"),
    (beside(r'"mood": "\u0000"'), "mood", NUL, "'\\x00'"),
    (beside(r'"mood": [{"a": ["\u0000"]}]'), "mood", NUL, ""),
    (beside(r'"mo\u0000od": 1'), r"mo\u0000od", NUL, ""),
    (beside(r'"artist\u0000": "x"'), r"artist\u0000", NUL, ""),
    (beside(r'"mood": "\\\u0000"'), "mood", NUL, ""),
    (beside('"level": "paid"'), "level", REPEATED, ""),
    (beside('"level": "free"'), "level", REPEATED, ""),
    (beside('"level":null'), "level", REPEATED, ""),
    (beside('"level"  :\t"paid"'), "level", REPEATED, ""),
    (beside(r'"\u006cevel": "paid"'), "level", REPEATED, ""),
    (beside(r'"user\u0049d": "9"'), "userId", REPEATED, ""),
    (beside('"ts": 1, "page": "Home"'), "page", REPEATED, ""),
    (beside('"artist": "x", "artist": "y"', song="é" * 300), "artist", REPEATED, ""),
    (beside('"song": "x"', location="x" * 70_000), "song", REPEATED, ""),
]

SOUND = [
    beside(r'"mood": "\\u0000"'),
    beside(r'"mood": "\\\\u0000", "tune": "u0000"'),
    text_of(song='a \\u0000 "level": "level": \\"level\\":'),
    beside('"Level": "gold", "LEVEL": 1'),
    beside('"mood": 1, "mood": 2'),
    beside('"mood": {"level": 1, "level": 2, "ts": 0}'),
    text_of(song="level", artist="\x18"),
]


@pytest.fixture
def load(reader: Bench) -> Callable[..., LoadReport]:
    """Load the reader's source; on Redshift with a look at texts."""
    flags = {} if reader.settings.target == "duckdb" else {"check_text": True}
    return lambda **others: reader.load(**flags, **others)


def test_flawed_records_are_named_then_rejected(
    reader: Bench, load: Callable[..., LoadReport], figures: Callable[..., None]
) -> None:
    texts = [line for flawed, *_ in FLAWED for line in (flawed, text_of(sessionId=2))]
    reader.put(EVENTS, *texts)
    reader.put(GOOD, make_event(sessionId=3))
    with pytest.raises(PipelineError, match=f"{len(FLAWED)} bad values in the source") as refused:
        load(only="events")
    for number, (_, key, reason, shown) in enumerate(FLAWED):
        said = f"{EVENTS}, line {2 * number + 1}, {key}: {reason}"
        assert f"{said}: {shown}" in str(refused.value) if shown else said in str(refused.value)
    assert not Warehouse(reader.settings).sources()
    reader.put("song_data/A/1.json", json.dumps(make_song())[:-1] + ', "title": "Tone"}')
    reader.put("song_data/A/2.json", make_song(song_id="SO2"))
    with pytest.raises(TooManyRejectsError, match=f"{len(FLAWED) + 1} bad records"):
        load(max_errors=len(FLAWED))

    report = load(max_errors=len(FLAWED) + 1)
    assert report.rows == {"staging_events": len(FLAWED) + 1, "staging_songs": 1}
    rejected = reader.rows("select file_key, line_number, column_name, reason, raw_text from load_rejects")
    expected = [
        (EVENTS, 2 * number + 1, key, reason, text if len(text) < 65536 else text[:16383])
        for number, (text, key, reason, _) in enumerate(FLAWED)
    ]
    assert sorted(rejected)[:-1] == expected
    assert sorted(rejected)[-1][:4] == ("song_data/A/1.json", 1, "title", REPEATED)
    assert dict(reader.rows("select file_key, rejected_count from load_history"))[EVENTS] == len(FLAWED)
    figures(
        3, "texts that the engines would read differently, reported and rejected", reader.engine_name, len(FLAWED) + 1
    )


def test_what_only_looks_flawed_is_loaded(reader: Bench, load: Callable[..., LoadReport]) -> None:
    reader.put(EVENTS, *SOUND)
    assert load(only="events").rows == {"staging_events": len(SOUND)}
    assert reader.rows("select distinct level from staging_events") == [("free",)]


def test_flawed_records_among_other_bad_ones(reader: Bench, load: Callable[..., LoadReport]) -> None:
    reader.put(EVENTS, text_of(), beside('"level": "gold"'), text_of(length=-1), text_of(ts="x"), '{"ts": "\\u0000"')
    reader.put(GOOD + ".gz", gzip.compress(f"\ufeff{text_of(song=chr(0))}\r\n\n{text_of()}".encode(), mtime=0))
    with pytest.raises(TooManyRejectsError):
        load(only="events", max_errors=4)
    assert load(only="events", max_errors=5).rows == {"staging_events": 2}
    assert reader.rows("select file_key, line_number, column_name from load_rejects order by 1, 2") == [
        (EVENTS, 2, "level"),
        (EVENTS, 3, "length"),
        (EVENTS, 4, "ts"),
        (EVENTS, 5, None),
        (GOOD + ".gz", 1, "song"),
    ]


@pytest.mark.parametrize(
    "record", [b'{"song": "a\0b"}', b'{"song": "a\\\0b"}', b'\0{"song": 1}', b'{"song": 1}\0', b"\0"]
)
def test_a_raw_nul_is_no_json(reader: Bench, load: Callable[..., LoadReport], record: bytes) -> None:
    reader.put(EVENTS, make_event(), record)
    with pytest.raises(PipelineError, match=f"{EVENTS}, line 2: "):
        load(only="events")


def test_flawed_records_of_merged_files_lead_to_the_original(redshift_bench: RedshiftBench) -> None:
    redshift_bench.put(EVENTS, text_of(), beside('"level": "paid"'), text_of(itemInSession=1))
    redshift_bench.put(GOOD, make_event(sessionId=2))
    assert redshift_bench.load(only="events", compact=True, check_text=True, max_errors=1).rows == {"staging_events": 3}
    assert redshift_bench.rows("select file_key, line_number, column_name from load_rejects") == [(EVENTS, 2, "level")]
    assert redshift_bench.rows("select distinct level from staging_events") == [("free",)]


def test_a_plain_load_on_redshift_does_not_see_them(redshift_bench: RedshiftBench) -> None:
    redshift_bench.put(EVENTS, text_of(song="AC\0DC"), beside('"level": "paid"', itemInSession=1))
    redshift_bench.load(only="events")
    assert redshift_bench.rows("select song, level from staging_events order by item_in_session") == [
        ("AC", "free"),
        ("Tune", "paid"),
    ]


def test_duckdb_always_looks(bench: Bench) -> None:
    bench.put(EVENTS, make_event())
    with pytest.raises(UsageError, match="--check-text is for Redshift"):
        bench.load(only="events", check_text=True)


def test_sound_files_are_read_by_copy_only(redshift_bench: RedshiftBench, monkeypatch: pytest.MonkeyPatch) -> None:
    redshift_bench.put(EVENTS, *[make_event(itemInSession=item) for item in range(3)], end=b"\n\n")
    redshift_bench.put("song_data/A/1.json", make_song(title='"title"'))
    monkeypatch.setattr(SourceText, "contents", lambda *_: pytest.fail("a file was read"))
    assert redshift_bench.load(check_text=True).rows == {"staging_events": 3, "staging_songs": 1}
