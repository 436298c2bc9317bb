"""Small files merged into parts: what COPY reads has every line of them, and each line's file and number are known."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from pipeline.errors import PipelineError
from pipeline.load.duckdb.folder import fill_load_folder
from pipeline.load.redshift import compaction
from pipeline.load.redshift.compaction import Compaction, compact, part_count, plan_parts, remove
from pipeline.settings import PROJECT_ROOT, LoadOptions
from pipeline.source import s3_reader
from pipeline.source.listing import SourceFile, list_source
from pipeline.source.s3 import s3_client, split_uri
from pipeline.source.s3_reader import read_ahead

SOURCE, OWN = "sparkify-source", "sparkify-own"
BOM = b"\xef\xbb\xbf"
NUMBERS = count()
COUNTING = threading.Lock()


@cache
def plain_client() -> Any:
    return boto3.client("s3")


@dataclass
class Lake:
    """A source in S3 that no other test uses, the project's own bucket, and a count of what is asked of them."""

    root: str
    s3: Any
    requests: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        # One client is shared by all: its requests are counted by the last one made.
        self.s3.meta.events.unregister("before-send.s3", unique_id="lake")
        self.s3.meta.events.register("before-send.s3", self._count, unique_id="lake")

    def _count(self, request: Any, event_name: str, **_rest: Any) -> None:
        bucket = next((name for name in (SOURCE, OWN) if f"/{name}" in request.url), "")
        with COUNTING:
            self.requests[f"{event_name.rpartition('.')[2]} {bucket}"] += 1

    @property
    def source(self) -> str:
        return f"s3://{SOURCE}/{self.root}"

    def put(self, key: str, body: bytes) -> None:
        plain_client().put_object(Bucket=SOURCE, Key=f"{self.root}/{key}", Body=body)

    def files(self, only: str = "songs") -> list[SourceFile]:
        return list_source(self.source, LoadOptions.from_flags(only=only)).files

    def compact(self, files: list[SourceFile] | None = None, **options: Any) -> Compaction:
        options = {"slices": 2, "s3": self.s3, "bucket": OWN, "prefix": f"{self.root}/compacted", **options}
        return compact(self.source, self.files() if files is None else files, **options)

    def text(self, uri: str) -> bytes:
        bucket, key = split_uri(uri)
        return gzip.decompress(plain_client().get_object(Bucket=bucket, Key=key)["Body"].read())

    def own_keys(self) -> list[str]:
        listed = plain_client().list_objects_v2(Bucket=OWN, Prefix=f"{self.root}/")
        return [item["Key"] for item in listed.get("Contents", [])]


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    # moto's buckets belong to the process, not to the server
    urlopen(Request(f"{url}/moto-api/reset", method="POST")).close()  # noqa: S310
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        for bucket in (SOURCE, OWN):
            plain_client().create_bucket(Bucket=bucket)
        yield s3_client()
        plain_client.cache_clear()
    server.stop()


@pytest.fixture
def lake(s3: Any) -> Lake:
    return Lake(f"run{next(NUMBERS)}", s3)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of about a hundred bytes of text."""
    monkeypatch.setattr(compaction, "LEAST_PART_BYTES", 100)
    monkeypatch.setattr(compaction, "MOST_PART_BYTES", 100)


def lines_of(text: bytes) -> list[bytes]:
    lines = text.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def check_lines(lake: Lake, made: Compaction, texts: dict[str, bytes]) -> None:
    """Hold the parts against the files' own texts: every line once, in order, and traced to where it stood."""
    seen: dict[str, list[bytes]] = {}
    for part in made.parts:
        lines = lines_of(lake.text(part.uri))
        assert len(lines) == part.line_count
        for number, line in enumerate(lines, start=1):
            key, original = made.origin(part.uri, number) or ("", 0)
            seen.setdefault(key, []).append(line)
            assert len(seen[key]) == original
        assert made.origin(part.uri, 0) is None
        assert made.origin(part.uri, len(lines) + 1) is None
    assert list(seen) == sorted(seen)
    passed = {file.key for file in made.passed}
    expected = {key: lines_of(text.removeprefix(BOM)) for key, text in texts.items() if key not in passed}
    assert seen == {key: lines for key, lines in expected.items() if lines}
    for key in passed:
        assert made.origin(f"{lake.source}/{key}", 7) == (key, 7)


RECORDS = st.sampled_from(
    [
        b'{"a": 1}',
        b'{"a": "\xc3\xa9 }{ \\" [", "b": {"c": [1, null, 2.5e3]}}',
        b'{\n  "a": 1,\n\n  "b": "x"\n}',  # over several lines
        b'{\r\n"a": 1\r\n}',
        b'{"a": 1}{"a": 2} {"a": 3}',  # several in one line
        b'["A", 1]',
        b'{"a": "\xff"}',  # not UTF-8: for COPY to say
        b"",
        b"  \t ",
    ]
)
WHOLE = st.builds(
    lambda records, ends, last, bom: bom + b"".join(map(bytes.__add__, records, ends))[: None if last else -1],
    st.lists(RECORDS, max_size=5),
    st.lists(st.sampled_from([b"\n", b"\r\n", b"\n\n"]), min_size=5, max_size=5),
    st.booleans(),
    st.sampled_from([b"", BOM]),
)
BROKEN = st.sampled_from(
    [
        b'{"a": 1',
        b'{"a": "',
        b'{"a": 1}}',
        b"nonsense",
        b'{"a": 1}\n' + BOM + b'{"a": 2}',
        b"{" * 5000,
        b'"text"',
        b"\xff",
    ]
)


@given(
    files=st.lists(
        st.tuples(st.one_of(WHOLE, WHOLE, WHOLE, BROKEN.map(lambda text: (text,))), st.booleans()),
        min_size=1,
        max_size=12,
    ),
    slices=st.integers(1, 4),
    part_bytes=st.sampled_from([20, 60, 10_000]),
)
@settings(max_examples=50, deadline=None)
def test_every_line_is_in_a_part_and_leads_back_to_its_file(
    s3: Any, files: list[tuple[bytes | tuple[bytes], bool]], slices: int, part_bytes: int
) -> None:
    lake = Lake(f"run{next(NUMBERS)}", s3)
    texts: dict[str, bytes] = {}
    broken = set()
    for number, (content, is_gzip) in enumerate(files):
        key = f"song_data/{number:02} é+%25'\".json{'.gz' if is_gzip else ''}"
        texts[key] = content if isinstance(content, bytes) else content[0]
        if not isinstance(content, bytes):
            broken.add(key)
        lake.put(key, gzip.compress(texts[key]) if is_gzip else texts[key])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "LEAST_PART_BYTES", part_bytes)
        patch.setattr(compaction, "MOST_PART_BYTES", part_bytes)
        listed = lake.files()
        plans = plan_parts(lake.source, listed, prefix=f"{lake.root}/compacted", slices=slices)
        done: list[int] = []
        made = lake.compact(listed, slices=slices, advance=done.append)
        assert lake.compact(listed, slices=slices) == made
    planned = {file.key for plan in plans for file in plan.files}
    assert {file.key for file in made.passed} == broken | (texts.keys() - planned)
    assert sum(done) == len(files)
    check_lines(lake, made, texts)


def test_a_line_has_the_number_that_the_load_into_duckdb_gives_it(lake: Lake, tmp_path: Path) -> None:
    for number, text in enumerate(
        [BOM + b'{"a": 1}\r\n\r\n  \n{"a": 2}', b"", b"\n\n", b'{"b":\n\n1}\n\n', b'\n{"c": 1}\n{"c": 2}']
    ):
        key = f"song_data/{number}.json"
        lake.put(key, text)
        (tmp_path / key).parent.mkdir(exist_ok=True)
        (tmp_path / key).write_bytes(text)
    files = lake.files()
    [part] = lake.compact(files).parts
    lines = enumerate(lines_of(lake.text(part.uri)), start=1)
    traced = [(*(part.origin(number) or ()), line.strip().decode()) for number, line in lines if line.strip()]
    folder = fill_load_folder(tmp_path / "load", str(tmp_path), files)
    records = map(json.loads, Path(folder.tables["staging_songs"].lines or "").read_text().splitlines())
    assert [(files[line["file_number"]].key, line["line_number"], line["raw"]) for line in records] == traced
    assert len(traced) == 6


def test_what_cannot_be_merged_is_left_to_copy(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "SMALL_FILE_BYTES", 1000)
    for number in range(4):
        lake.put(f"song_data/{number}.json", b"{}")
    lake.put("song_data/big.json", b'{"a": 1}' * 125)
    lake.put("song_data/bomb.json.gz", gzip.compress(b"{}" * 5000))
    lake.put("song_data/not_packed.json.gz", b"{}")
    lake.put("song_data/cut_off.json.gz", gzip.compress(b"{}")[:-4])
    lake.put("song_data/cut_off.json.bz2", bz2.compress(b"{}")[:-4])
    lake.put("song_data/cut_off.json.zst", zstd.compress(b"{}")[:-1])
    lake.put("song_data/q.json.bz2", bz2.compress(b'{"a": 3}\n') + bz2.compress(b'{"a": 4}'))
    lake.put("song_data/r.zst", zstd.compress(b'{"a": 5}\n') + zstd.compress(b'{"a": 6}'))
    lake.put("song_data/packed.JSON.GZ", gzip.compress(b'{"a": 1}') + gzip.compress(b'\n{"a": 2}'))
    made = lake.compact()
    assert [file.key for file in made.passed] == [
        "song_data/big.json",
        "song_data/bomb.json.gz",
        "song_data/cut_off.json.bz2",
        "song_data/cut_off.json.gz",
        "song_data/cut_off.json.zst",
        "song_data/not_packed.json.gz",
    ]
    [part] = made.parts
    assert lake.text(part.uri) == b'{}\n{}\n{}\n{}\n{"a": 1}\n{"a": 2}\n{"a": 3}\n{"a": 4}\n{"a": 5}\n{"a": 6}\n'
    assert part.origin(6) == ("song_data/packed.JSON.GZ", 2)
    assert made.origin(f"s3://{OWN}/else.json", 1) is None
    before = lake.requests[f"GetObject {SOURCE}"]
    assert lake.compact() == made
    assert lake.requests[f"GetObject {SOURCE}"] == before


def test_a_file_alone_and_files_without_a_line_make_no_part(lake: Lake) -> None:
    lake.put("log_data/1.json", b"{}")
    for number in range(3):
        lake.put(f"song_data/{number}.json", BOM if number else b"")
    made = lake.compact(lake.files("songs,events"))
    assert made.parts == []
    assert [file.key for file in made.passed] == ["log_data/1.json"]
    assert lake.own_keys() == []
    assert lake.compact([]) == Compaction(lake.source, [], [])


def test_each_table_has_parts_of_its_own_whatever_the_order_of_the_files(lake: Lake) -> None:
    for number in range(3):
        lake.put(f"song_data/{number}.json", b'{"song": %d}' % number)
        lake.put(f"log_data/{number}.json", b'{"event": %d}\n' % number)
    files = lake.files("songs,events")
    made = lake.compact(files)
    assert [(part.table_name, lake.text(part.uri)) for part in made.parts] == [
        ("staging_events", b'{"event": 0}\n{"event": 1}\n{"event": 2}\n'),
        ("staging_songs", b'{"song": 0}\n{"song": 1}\n{"song": 2}\n'),
    ]
    for part in made.parts:
        bucket, key = split_uri(part.uri)
        assert plain_client().head_object(Bucket=bucket, Key=key)["ContentLength"] == part.size_bytes
    assert lake.compact(files[::-1]) == made


@pytest.mark.usefixtures("small_parts")
def test_requests_are_one_for_each_file_and_few_for_each_part(lake: Lake) -> None:
    for number in range(60):
        lake.put(f"song_data/{number:02}.json", b'{"a": 1}')
    made = lake.compact(slices=3)
    assert len(made.parts) == 6
    assert lake.requests == {f"ListObjectsV2 {OWN}": 1, f"GetObject {SOURCE}": 60, f"PutObject {OWN}": 12}
    lake.requests.clear()
    assert lake.compact(slices=3) == made
    assert lake.requests == {f"ListObjectsV2 {OWN}": 1, f"GetObject {OWN}": 6}


@pytest.mark.parametrize(
    ("text_bytes", "slices", "expected"),
    [
        (1, 4, 1),
        (4 * compaction.MB, 4, 1),
        (17 * compaction.MB, 4, 2),
        (32 * compaction.MB, 4, 4),
        (256 * compaction.MB, 4, 4),
        (257 * compaction.MB, 4, 8),
        (100 * 1024 * compaction.MB, 32, 1600),
    ],
)
def test_parts_are_a_multiple_of_the_slices_once_there_is_enough(text_bytes: int, slices: int, expected: int) -> None:
    assert part_count(text_bytes, slices) == expected


@given(sizes=st.lists(st.integers(0, 1024), min_size=2, max_size=2000), slices=st.integers(1, 16))
@settings(deadline=None)
def test_parts_are_of_about_one_size(sizes: list[int], slices: int) -> None:
    files = [
        SourceFile("staging_songs", f"song_data/{number:05}.json", size * 1024, datetime.now(tz=UTC), "0")
        for number, size in enumerate(sizes)
    ]
    plans = plan_parts("s3://some/where", files, prefix="compacted", slices=slices)
    total = sum(sizes) * 1024
    wanted = total / part_count(total, slices)
    assert [file.key for plan in plans for file in plan.files] == [file.key for file in files]
    for plan in plans:
        assert abs(sum(file.size_bytes for file in plan.files) - wanted) <= compaction.MB + len(files)


@pytest.mark.usefixtures("small_parts")
def test_a_killed_compaction_goes_on_after_its_last_part(lake: Lake, tmp_path: Path) -> None:
    texts = {f"song_data/{number:02}.json": b'{"number": %d}' % number for number in range(64)}
    for key, text in texts.items():
        lake.put(key, text)
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, signal, sys\n"
        "from pipeline.load.redshift import compaction\n"
        "from pipeline.source.listing import list_source\n"
        "from pipeline.source.s3 import s3_client\n"
        "from pipeline.settings import LoadOptions\n"
        "source, bucket, prefix = sys.argv[1:]\n"
        "done = 0\n"
        "def advance(count):\n"
        "    global done\n"
        "    done += count\n"
        "    if done == 40:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "files = list_source(source, LoadOptions.from_flags(only='songs')).files\n"
        "compaction.LEAST_PART_BYTES = compaction.MOST_PART_BYTES = 100\n"
        "compaction.compact(source, files, bucket=bucket, prefix=prefix, s3=s3_client(), slices=2, advance=advance)\n"
    )
    killed = subprocess.run(
        [sys.executable, script, lake.source, OWN, f"{lake.root}/compacted"],
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    finished = len(lake.own_keys()) // 2
    assert finished == 6
    made = lake.compact()
    in_finished = sum(len(part.files) for part in made.parts[:finished])
    assert lake.requests[f"GetObject {SOURCE}"] == 64 - in_finished
    assert len(made.parts) == 10
    check_lines(lake, made, texts)


@pytest.mark.usefixtures("small_parts")
def test_a_part_counts_only_with_its_own_index(lake: Lake) -> None:
    for number in range(10):
        lake.put(f"song_data/{number}.json", b'{"number": %d, "text": "0123456789"}' % number)
    made = lake.compact()
    first, second, third, fourth = made.parts
    s3 = plain_client()
    s3.delete_object(Bucket=OWN, Key=split_uri(first.index_uri)[1])
    s3.delete_object(Bucket=OWN, Key=split_uri(second.uri)[1])
    s3.put_object(Bucket=OWN, Key=split_uri(third.uri)[1], Body=b"something else")
    lake.requests.clear()
    assert lake.compact() == made
    assert lake.requests[f"GetObject {SOURCE}"] == 10 - len(fourth.files)
    assert lake.text(third.uri).count(b"\n") == third.line_count


@pytest.mark.usefixtures("small_parts")
def test_a_file_that_changes_makes_its_part_anew(lake: Lake) -> None:
    for number in range(20):
        lake.put(f"song_data/{number:02}.json", b'{"number": "%02d"}' % number)
    before = lake.compact()
    lake.put("song_data/00.json", b'{"number": "99"}')
    after = lake.compact()
    assert [part.uri in {old.uri for old in before.parts} for part in after.parts] == [False, True, True, True]
    assert lake.text(after.parts[0].uri).startswith(b'{"number": "99"}\n{"number": "01"}\n')


@pytest.mark.parametrize("change", [lambda lake: lake.put("song_data/1.json", b"[]"), "delete"])
def test_a_file_that_changes_after_it_was_listed_stops_the_compaction(lake: Lake, change: Any) -> None:
    for number in range(3):
        lake.put(f"song_data/{number}.json", b"{}")
    files = lake.files()
    if change == "delete":
        plain_client().delete_object(Bucket=SOURCE, Key=f"{lake.root}/song_data/1.json")
    else:
        change(lake)
    with pytest.raises(PipelineError, match="song_data/1.json changed or was deleted .* try again"):
        lake.compact(files)
    assert lake.own_keys() == []


@pytest.mark.usefixtures("small_parts")
def test_parts_are_removed_with_their_indexes_and_nothing_else(lake: Lake) -> None:
    for number in range(20):
        lake.put(f"song_data/{number:02}.json", b'{"number": 1}')
    kept = f"{lake.root}/compacted/staging_songs/other.json.gz"
    plain_client().put_object(Bucket=OWN, Key=kept, Body=b"")
    made = lake.compact()
    assert len(lake.own_keys()) == 2 * len(made.parts) + 1
    for _ in range(2):  # safe to repeat
        remove(made.parts, s3=lake.s3)
        assert lake.own_keys() == [kept]
    remove([], s3=lake.s3)


def test_what_s3_refuses_is_said_in_one_line(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("song_data/1.json", b"{}")
    lake.put("song_data/2.json", b"{}")
    with pytest.raises(PipelineError, match="s3://sparkify-nowhere/.*: no such bucket"):
        lake.compact(bucket="sparkify-nowhere")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{OWN}/*"}
    plain_client().put_bucket_policy(Bucket=OWN, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    try:
        with pytest.raises(PipelineError, match=f"s3://{OWN}/.*: access denied; .* s3:PutObject"):
            lake.compact()
    finally:
        plain_client().delete_bucket_policy(Bucket=OWN)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(PipelineError, match="gone: No such file or directory. Free some space there, or set TMPDIR"):
        lake.compact()


@pytest.mark.parametrize(("name", "value"), [("READ_AHEAD_BYTES", 3000), ("READ_AHEAD_FILES", 3)])
def test_reading_ahead_is_bounded(lake: Lake, name: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        lake.put(f"song_data/{number:02}.json", b"%02d" % number * 500)
    monkeypatch.setattr(s3_reader, name, value)
    contents = read_ahead(lake.source, lake.files(), s3=lake.s3, workers=8)
    for taken in range(1, 13):
        assert next(contents) == b"%02d" % (taken - 1) * 500
        assert lake.requests[f"GetObject {SOURCE}"] <= taken + 3
    assert next(contents, None) is None
    [huge, *_] = lake.files()
    monkeypatch.setattr(s3_reader, "READ_AHEAD_BYTES", huge.size_bytes - 1)
    assert len(list(read_ahead(lake.source, [huge] * 2, s3=lake.s3))) == 2


def test_a_connection_that_breaks_within_a_file_is_tried_again(lake: Lake) -> None:
    lake.put("song_data/1.json", b"{}")
    lake.put("song_data/2.json", b"{}")
    files = lake.files()
    breaks = {"left": s3_reader.READ_ATTEMPTS - 1}

    class Breaking(BaseHTTPRequestHandler):
        """Serves any object, and closes in the middle of 2.json as often as it is told."""

        def do_GET(self) -> None:
            body = f'{{"path": "{self.path}"}}'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.path.endswith("2.json") and breaks["left"]:
                breaks["left"] -= 1
                body = body[:3]
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Breaking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{server.server_port}")
        expected = [f'{{"path": "/{SOURCE}/{lake.root}/{file.key}"}}'.encode() for file in files]
        files = [replace(file, size_bytes=len(body)) for file, body in zip(files, expected, strict=True)]
        assert list(read_ahead(lake.source, files, s3=s3)) == expected
        breaks["left"] = s3_reader.READ_ATTEMPTS
        with pytest.raises(PipelineError, match=f"{lake.source}/song_data/2.json: "):
            list(read_ahead(lake.source, files, s3=s3))
    finally:
        server.shutdown()
        server.server_close()
