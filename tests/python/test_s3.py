"""A source in S3, served by moto on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from benches import Bench
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer
from records import make_event, make_song

from pipeline import load_folder
from pipeline.display import Display
from pipeline.errors import PipelineError
from pipeline.load import LoadReport, load, plan_load
from pipeline.s3 import s3_errors
from pipeline.settings import LoadOptions

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


def test_what_s3_refuses_is_said_in_one_line(
    bench: Bench, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(PipelineError, match="s3://sparkify-nowhere: no such bucket"):
        load_new(bench, "s3://sparkify-nowhere")
    with pytest.raises(PipelineError, match="has no .json or .json.gz files below"):
        load_new(bench, f"s3://{bucket}/empty")
    put("bad/log_data/../../../evil.json", make_event())
    with pytest.raises(PipelineError, match="cannot be a path"):
        load_new(bench, f"s3://{bucket}/bad", only="events")
    assert not list(tmp_path.rglob("evil.json"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(PipelineError, match="no AWS credentials were found. Set AWS_PROFILE"):
        load_new(bench, f"s3://{bucket}")


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        ("AccessDenied", "access denied; the credentials in use need s3:ListBucket and s3:GetObject there"),
        ("PermanentRedirect", "the bucket is in another region; set AWS_REGION to it"),
        ("ExpiredToken", "the credentials have expired; sign in again"),
        ("SlowDown", "An error occurred (SlowDown)"),
    ],
)
def test_s3s_codes_are_told_with_their_cure(code: str, cure: str) -> None:
    """moto gives none of them."""
    with pytest.raises(PipelineError) as refused, s3_errors("s3://bucket"):
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "ListObjectsV2")
    assert str(refused.value).startswith(f"s3://bucket: {cure}")
