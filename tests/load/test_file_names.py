"""Which files of a source are loaded, by their names, and how those that are compressed are read."""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from benches import CONFIG, Bench
from projects import Project, source_beside
from records import make_event, make_song

from pipeline.errors import PipelineError, UsageError
from pipeline.load.load import plan_load
from pipeline.settings import LoadOptions, read_settings
from pipeline.source import compression
from pipeline.source.compression import open_text, unpacking
from pipeline.source.listing import is_data_name

Compress = Callable[[bytes], bytes]
COMPRESS: dict[str, Compress] = {
    "": bytes,
    ".gz": lambda text: gzip.compress(text, mtime=0),
    ".bz2": bz2.compress,
    ".zst": zstd.compress,
}
PACKED = [(kind, suffix, COMPRESS[suffix]) for suffix, kind in compression.SUFFIXES.items()]


def lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def test_every_name_of_a_json_file_is_loaded_however_it_is_compressed(
    reader: Bench, figures: Callable[..., None]
) -> None:
    expected = {}
    for number, name in enumerate(
        ("a.json", "a.jsonl", "A.NDJSON", "part-00000-of-2", "stream-2018.11.01-00.00.01-4f")
    ):
        for offset, (suffix, compress) in enumerate(COMPRESS.items()):
            session = 10 * number + offset
            # two streams, one after the other, as tools that append write them
            content = compress(lines(make_event(sessionId=session))) + compress(
                lines(make_event(sessionId=session, itemInSession=1))
            )
            reader.put(f"log_data/{name}{suffix}", content)
            expected[f"log_data/{name}{suffix}"] = session
    report = reader.load(only="events")
    assert report.rows == {"staging_events": 2 * len(expected)}
    assert dict(reader.rows("select session_id, count(*) from staging_events group by session_id")) == dict.fromkeys(
        expected.values(), 2
    )
    assert {key for (key,) in reader.rows("select file_key from load_history")} == set(expected)
    figures(3, "file names and compressions, loaded completely", reader.engine_name, len(expected))


def test_other_names_are_left_out_and_named_and_a_setting_adds_them(reader: Bench) -> None:
    reader.put("log_data/1.json", make_event())
    reader.put("log_data/2018/_SUCCESS", b"")
    reader.put("log_data/_temporary/0/2.json", make_event(sessionId=2))
    reader.put("log_data/.part-3.json", make_event(sessionId=3))
    reader.put("log_data/4.log", make_event(sessionId=4))
    reader.put("log_data/2018/5.log.gz", COMPRESS[".gz"](lines(make_event(sessionId=5))))
    reader.put("log_data/2018-11-01.log.1", make_event(sessionId=6))
    options = LoadOptions.from_flags(only="events")
    plan = plan_load(reader.settings, reader.address_of_source, options)
    assert [file.key for file in plan.files] == ["log_data/1.json"]
    assert plan.left_out == ["log_data/2018-11-01.log.1", "log_data/2018/5.log.gz", "log_data/4.log"]
    settings = read_settings({**CONFIG, "target": reader.settings.target, "file_names": "*.log, *.LOG.1"})
    object.__setattr__(reader.settings, "file_names", settings.file_names)
    assert plan_load(reader.settings, reader.address_of_source, options).left_out == []
    reader.load(only="events")
    assert sorted(reader.rows("select session_id from staging_events")) == [(1,), (4,), (5,), (6,)]


def test_a_run_says_once_what_it_leaves_out(played: Project) -> None:
    source = source_beside(played)
    (source / "log_data/2018-11-07-events.log").write_text(json.dumps(make_event(sessionId=7)))
    (source / "log_data/2.jsonl").write_text(json.dumps(make_event(sessionId=2)))
    done = played.invoke("run", "--json", "--source", str(source))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["left_out"] == ["log_data/2018-11-07-events.log"]
    assert report["row_counts"]["songplays"] == 2
    assert done.stderr.count("Skipped 1 file by name: log_data/2018-11-07-events.log. ") == 1


def test_a_source_of_other_names_only_says_so(bench: Bench) -> None:
    bench.put("log_data/1.csv", b"a,b")
    with pytest.raises(PipelineError, match=r"has no JSON files below log_data/\. Skipped by name: log_data/1\.csv"):
        bench.load(only="events")


@pytest.mark.parametrize(
    ("name", "is_taken"),
    [
        ("stream-1-2018-11-01-00-00-01-4f0c", True),
        ("stream-1-2018.11.01-00.00.01-4f0c.gz", True),
        ("part-00000", True),
        ("part-00000.json.zst", True),
        ("EVENTS.JSONL.BZ2", True),
        ("events.log", False),
        ("2018-11-01.log.1", False),
        ("log.2018.11.01", False),
        ("my.stream-1-2018-11-01", False),
        ("events.json.gz.gz", False),
        ("events.json.tmp", False),
        ("events.tar.gz", False),
        ("events.", False),
    ],
)
def test_what_a_suffix_is(name: str, is_taken: bool) -> None:
    assert is_data_name(name) == is_taken
    assert is_data_name(name, ("*",))


@pytest.mark.parametrize("names", ["logs/*.log", ".part*", "*.log,_x"])
def test_file_names_that_cannot_work_are_refused(names: str) -> None:
    with pytest.raises(UsageError, match="file_names has"):
        read_settings({**CONFIG, "file_names": names})


@pytest.mark.parametrize(("kind", "suffix", "compress"), PACKED)
@pytest.mark.parametrize("damage", ["cut", "another", "tail"])
def test_a_file_that_is_not_what_its_suffix_says_is_named(
    reader: Bench, kind: str, suffix: str, compress: Compress, damage: str
) -> None:
    whole = compress(lines(*(make_event(itemInSession=item) for item in range(50))))
    content = {"cut": whole[:-9], "another": lines(make_event()), "tail": whole + compress(b"{}")[:-9]}[damage]
    reader.put("log_data/1.json", make_event())
    reader.put(f"log_data/2.json{suffix}", content)
    with pytest.raises(PipelineError) as refused:
        reader.load(only="events", max_errors=100)
    assert f"/log_data/2.json{suffix}: not a valid {kind} file" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("kind", "suffix", "compress"), PACKED)
def test_a_big_compressed_file_is_read_in_small_pieces(
    tmp_path: Path, kind: str, suffix: str, compress: Compress
) -> None:
    path = tmp_path / f"big{suffix}"
    path.write_bytes(compress(b"x" * 50_000_000) + compress(b"\nlast"))
    with path.open("rb") as raw, unpacking(str(path), kind):
        stream = open_text(raw, kind)
        sizes = [len(chunk) for chunk in iter(lambda: stream.read1(1_000_000), b"")]  # type: ignore[attr-defined]
    assert sum(sizes) == 50_000_005
    assert max(sizes) <= 1_000_000


def test_a_bad_record_of_a_compressed_file_is_found(reader: Bench) -> None:
    for number, (suffix, compress) in enumerate(COMPRESS.items()):
        reader.put(
            f"log_data/{number}{suffix}", compress(lines(make_event(sessionId=number), make_event(sessionId="x")))
        )
    reader.put("song_data/1.ndjson", make_song())
    report = reader.load(max_errors=10)
    assert report.rejects is not None
    assert sorted(reader.rows("select file_key, line_number from load_rejects")) == [
        (f"log_data/{number}{suffix}", 2) for number, suffix in enumerate(COMPRESS)
    ]
    assert report.rows == {"staging_events": 4, "staging_songs": 1}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_new_keys_are_found_in_a_compressed_file(reader: Bench, suffix: str) -> None:
    reader.put(f"log_data/1.json{suffix}", COMPRESS[suffix](lines(make_event(device="phone"))))
    assert reader.load(only="events").warnings == ["staging_events: ignored keys without a column: device"]
