"""A source in S3, served by moto on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from benches import Bench
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer
from odd_keys import ODD_KEYS
from records import make_event, make_song

from pipeline.console.display import Display
from pipeline.errors import PipelineError
from pipeline.load.duckdb import folder as load_folder
from pipeline.load.load import load, plan_load
from pipeline.load.plan import LoadReport
from pipeline.settings import LoadOptions
from pipeline.source import s3_reader
from pipeline.source.listing import list_source
from pipeline.source.s3 import s3_errors
from pipeline.source.s3_reader import fetch_file, read_file

BUCKET = "sparkify-source"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # moto's buckets belong to the process, not to the server
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-west-2",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    yield BUCKET
    server.stop()


def put(key: str, *records: object, client: Any = None) -> None:
    client = client or boto3.client("s3")
    client.put_object(Bucket=BUCKET, Key=key, Body="\n".join(map(json.dumps, records)).encode())


def load_new(bench: Bench, source: str, **flags: str) -> LoadReport:
    options = LoadOptions.from_flags(**flags)
    return load(bench.settings, plan_load(bench.settings, source, options), bench.dbt, Display(quiet=True))


@pytest.mark.parametrize(
    ("prefix", "small", "songs"),
    [("", 1, 3), ("some/place", 1_000_000, 1_005)],  # more than one page of a listing
)
def test_objects_are_loaded_once_and_new_ones_alone(
    bench: Bench, bucket: str, prefix: str, small: int, songs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_folder, "SMALL_FILE_BYTES", small)
    source = f"s3://{bucket}/{prefix}".rstrip("/")
    root = f"{prefix}/" if prefix else ""
    client = boto3.client("s3")
    for number in range(songs):
        put(f"{root}song_data/A/{number}.json", make_song(song_id=f"SO{number}"), client=client)
    put(f"{root}log_data/2018/11/1.json", make_event(), make_event(itemInSession=1))
    put(f"{root}log_json_path.json", {})
    put(f"{root}log_data/.ipynb_checkpoints/1-checkpoint.json", make_event())
    report = load_new(bench, source)
    assert report.rows == {"staging_events": 2, "staging_songs": songs}
    assert bench.rows("select distinct source_file from staging_events") == [("log_data/2018/11/1.json",)]
    assert bench.rows("select count(*) from load_history where etag is not null and content_hash is not null") == [
        (songs + 1,)
    ]

    put(f"{root}log_data/2018/11/2.json", make_event(sessionId=2))
    assert load_new(bench, source).files == {"staging_events": 1}

    put(f"{root}log_data/2018/11/1.json", make_event(level="paid"))
    with pytest.raises(PipelineError, match="changed since it was loaded: log_data/2018/11/1.json"):
        load_new(bench, source)


def test_what_s3_refuses_is_said_in_one_line(bench: Bench, bucket: str) -> None:
    with pytest.raises(PipelineError, match="s3://sparkify-nowhere: no such bucket"):
        load_new(bench, "s3://sparkify-nowhere")
    with pytest.raises(PipelineError, match="has no JSON files below"):
        load_new(bench, f"s3://{bucket}/empty")


@pytest.fixture
def no_credentials(bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The bucket, and nothing that boto3 could sign a request with."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert boto3.Session().get_credentials() is None
    return bucket


def test_a_public_bucket_is_loaded_without_credentials(
    bench: Bench, no_credentials: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_folder, "SMALL_FILE_BYTES", 400)
    signed = boto3.client("s3", aws_access_key_id="test", aws_secret_access_key="test")  # noqa: S106
    put("song_data/1.json", make_song(), client=signed)
    put("log_data/1.json", make_event(), make_event(itemInSession=1), client=signed)
    source = f"s3://{no_credentials}"
    with pytest.raises(PipelineError) as refused:
        load_new(bench, source)
    assert str(refused.value) == (
        f"{source}/log_data/1.json: access denied, and no AWS credentials were found. Set AWS_PROFILE, or "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Only public buckets need none."
    )
    for key in ("song_data/1.json", "log_data/1.json"):
        signed.put_object_acl(Bucket=no_credentials, Key=key, ACL="public-read")
    assert load_new(bench, source).rows == {"staging_events": 2, "staging_songs": 1}


@pytest.mark.parametrize("small", [1, 1_000_000])
@pytest.mark.parametrize("max_errors", [0, 1])
def test_a_key_is_taken_as_it_is(
    bench: Bench, bucket: str, small: int, max_errors: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(load_folder, "SMALL_FILE_BYTES", small)
    client = boto3.client("s3")
    for number, key in enumerate(ODD_KEYS):
        put(f"some/log_data/{key}", make_event(sessionId=number), client=client)
    if max_errors:  # then big files are read a second time, line by line
        put("some/log_data/bad.json", make_event(sessionId="x"), client=client)
    put("some/log_data/folder/", client=client)
    put("some/log_data/folder with content/", make_event(), client=client)
    put("some/log_data/folder_$folder$", client=client)
    source = f"s3://{bucket}/some"
    plan = plan_load(bench.settings, source, LoadOptions.from_flags(only="events"))
    assert plan.left_out == ["log_data/folder with content/"]
    load_new(bench, source, only="events", max_errors=str(max_errors))
    assert sorted(bench.rows("select session_id, source_file from staging_events")) == [
        (number, f"log_data/{key}") for number, key in enumerate(ODD_KEYS)
    ]
    assert bench.rows("select count(*) from load_rejects") == [(max_errors,)]
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_is_named(bench: Bench, bucket: str, storage_class: str) -> None:
    client = boto3.client("s3")
    put("log_data/1.json", make_event(), client=client)
    body = json.dumps(make_event(sessionId=2)).encode()
    client.put_object(Bucket=bucket, Key="log_data/2.json", Body=body, StorageClass=storage_class)
    source = f"s3://{bucket}"
    with pytest.raises(PipelineError, match=r"archived \(Glacier\).*: log_data/2\.json\. Nothing was loaded\. Restore"):
        load_new(bench, source, only="events")
    [_, file] = list_source(source, LoadOptions.from_flags(only="events")).files
    with pytest.raises(PipelineError, match=r"s3://sparkify-source/log_data/2\.json: archived \(Glacier\); restore"):
        read_file(source, file, s3=client)
    client.restore_object(Bucket=bucket, Key="log_data/2.json", RestoreRequest={"Days": 1})
    assert load_new(bench, source, only="events").rows == {"staging_events": 2}


def test_a_big_object_is_copied_in_parts_and_must_not_change(
    bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(s3_reader, "PART_BYTES", 1000)
    client = boto3.client("s3")
    content = bytes(number % 251 for number in range(12_345))
    client.put_object(Bucket=bucket, Key="log_data/1", Body=content)
    source = f"s3://{bucket}"
    [file] = list_source(source, LoadOptions.from_flags(only="events")).files
    said: list[tuple[int, int]] = []
    fetch_file(source, file, tmp_path / "copy", s3=client, fetched=lambda *sizes: said.append(sizes))
    assert (tmp_path / "copy").read_bytes() == content
    assert said == [*((done, 12_345) for done in range(1000, 12_001, 1000)), (12_345, 12_345)]
    for changed in (content[::-1], content[:500]):
        client.put_object(Bucket=bucket, Key="log_data/1", Body=changed)
        with pytest.raises(PipelineError, match="s3://sparkify-source/log_data/1 changed or was deleted"):
            fetch_file(source, file, tmp_path / "copy", s3=client)
    with pytest.raises(PipelineError, match="s3://sparkify-source/log_data/1 changed or was deleted"):
        read_file(
            source, replace(file, etag=client.head_object(Bucket=bucket, Key="log_data/1")["ETag"][1:-1]), s3=client
        )


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        ("AccessDenied", "access denied; your credentials need s3:ListBucket and s3:GetObject there"),
        ("PermanentRedirect", "the bucket is in another region; set AWS_REGION to that region"),
        ("ExpiredToken", "the credentials have expired; sign in again"),
        ("SlowDown", "An error occurred (SlowDown)"),
    ],
)
def test_s3s_codes_are_told_with_their_cure(monkeypatch: pytest.MonkeyPatch, code: str, cure: str) -> None:
    """moto gives none of them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with pytest.raises(PipelineError) as refused, s3_errors("s3://bucket"):
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "ListObjectsV2")
    assert str(refused.value).startswith(f"s3://bucket: {cure}")
