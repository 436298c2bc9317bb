"""The load on Redshift with something in its way: roles, lost connections, conflicts, missing and small files."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from benches import RedshiftBench
from odd_keys import ODD_KEYS
from records import make_event, make_song

from pipeline.console.display import Display
from pipeline.errors import PipelineError, UsageError
from pipeline.load.load import describe, plan_load
from pipeline.load.redshift import copy as redshift_load
from pipeline.settings import LoadOptions
from pipeline.source.s3 import split_uri
from pipeline.warehouse.warehouse import Warehouse
from redshift_stand_in import StandIn
from redshift_stand_in.connection import Connection
from redshift_stand_in.errors import RedshiftError
from redshift_stand_in.wire import Message

EVENTS = "log_data/2018/11/1.json"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redshift_load, "PAUSE_SECONDS", 0)


@pytest.fixture
def filled(redshift_bench: RedshiftBench) -> RedshiftBench:
    """A source with one file of events and two of songs."""
    redshift_bench.put(EVENTS, make_event(), make_event(itemInSession=1))
    redshift_bench.put("song_data/A/1.json", make_song())
    redshift_bench.put("song_data/A/2.json", make_song(song_id="SO2"))
    return redshift_bench


def landed(bench: RedshiftBench) -> dict[str, int]:
    tables = ("staging_events", "staging_songs", "load_history")
    return {table: bench.rows(f"select count(*) from {table}")[0][0] for table in tables}


NOTHING = {"staging_events": 0, "staging_songs": 0, "load_history": 0}
EVERYTHING = {"staging_events": 2, "staging_songs": 2, "load_history": 3}


class Disturbance:
    """Does something to the COPY that reads an object with this in its address, the first times that one does."""

    def __init__(self, part: str, action: Any, *, times: int) -> None:
        self.part = part
        self.action = action
        self.left = times

    def __call__(self, connection: Connection, address: str) -> None:
        if self.part in address and self.left:
            self.left -= 1
            self.action(connection)


def cut(connection: Connection) -> None:
    connection.cut()


def conflict(connection: Connection) -> None:
    del connection
    raise RedshiftError("1023", detail="Serializable isolation violation on table - 119371, transactions forming …")


@pytest.mark.parametrize("action", [cut, conflict])
@pytest.mark.parametrize("part", ["song_data/A/2.json", EVENTS, "ledger.json"])
def test_what_passes_is_tried_again_and_loaded_once(
    filled: RedshiftBench, stand_in: StandIn, action: Any, part: str
) -> None:
    stand_in.before_object = Disturbance(part, action, times=1)
    report = filled.load()
    assert stand_in.before_object.left == 0
    assert report.rows == {"staging_events": 2, "staging_songs": 2}
    assert landed(filled) == EVERYTHING


@pytest.mark.parametrize("action", [cut, conflict])
def test_what_does_not_pass_leaves_nothing(filled: RedshiftBench, stand_in: StandIn, action: Any) -> None:
    stand_in.before_object = Disturbance("song_data/A/2.json", action, times=redshift_load.ATTEMPTS)
    with pytest.raises(PipelineError):
        filled.load()
    assert landed(filled) == NOTHING
    filled.load()
    assert landed(filled) == EVERYTHING


def test_a_load_whose_commit_was_lost_sight_of_is_not_loaded_again(
    filled: RedshiftBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes away between the commit and the answer to it."""
    run = filled.dbt.run_operation

    def lose_the_answer(macro: str, **arguments: Any) -> None:
        run(macro, **arguments)
        raise redshift_load.DbtError("server socket closed", [])

    monkeypatch.setattr(type(filled.dbt), "run_operation", lambda _, macro, **rest: lose_the_answer(macro, **rest))
    filled.load()
    assert landed(filled) == EVERYTHING


def test_a_commit_that_is_sent_again_on_a_new_connection_is_no_load(
    filled: RedshiftBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The adapter does so after a conflict: a COMMIT without a transaction, which succeeds."""
    take = Connection._take
    loading: list[Connection] = []
    refused: list[Connection] = []

    def conflict_at_commit(connection: Connection, message: Message) -> None:
        text = message.body.lower() if message.kind == b"P" else b""
        if b"temporary table loading_ledger" in text:
            loading.append(connection)
        if connection in loading and b"commit" in text and not refused:
            refused.append(connection)
            return connection._fail(RedshiftError("could not complete because of conflict with concurrent transaction"))
        return take(connection, message)

    monkeypatch.setattr(Connection, "_take", conflict_at_commit)
    filled.load()
    assert refused
    assert landed(filled) == EVERYTHING


def test_a_role_without_permission_is_named(filled: RedshiftBench, stand_in: StandIn) -> None:
    stand_in.allow_reading("somebody-elses-bucket")
    with pytest.raises(PipelineError, match="Access Denied") as refused:
        filled.load()
    assert "sparkify-copy" in str(refused.value)
    assert landed(filled) == NOTHING


def test_a_file_that_goes_away_stops_the_load(filled: RedshiftBench, stand_in: StandIn) -> None:
    def take_away(connection: Connection) -> None:
        del connection
        bucket, _, prefix = filled.address.removeprefix("s3://").partition("/")
        boto3.client("s3").delete_object(Bucket=bucket, Key=f"{prefix}/song_data/A/2.json")

    stand_in.before_object = Disturbance("staging_songs.manifest", take_away, times=1)
    with pytest.raises(PipelineError, match="Mandatory url is not present in manifest file"):
        filled.load()
    assert landed(filled) == NOTHING


def test_an_expired_sign_in_is_told_in_one_line(
    redshift_bench: RedshiftBench, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_in.accounts, "sign_in", lambda *_: "")
    stand_in.drop_connections()
    with pytest.raises(PipelineError) as refused:
        Warehouse(redshift_bench.settings).query("select 1")
    assert "Redshift cannot be reached as set in profiles.yml" in str(refused.value)
    assert "password authentication failed" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_buckets_of_two_regions_are_refused_before_copy(filled: RedshiftBench, stand_in: StandIn) -> None:
    stand_in.create_bucket("far-away", "eu-central-1")
    boto3.client("s3").put_object(Bucket="far-away", Key="song_data/A/1.json", Body=b"{}")
    boto3.client("s3").put_object(Bucket="far-away", Key="log_data/1.json", Body=b"{}")
    with pytest.raises(UsageError, match="far-away in eu-central-1 and sparkify-warehouse in us-west-2"):
        redshift_load.load_redshift(
            filled.settings,
            plan_load(filled.settings, "s3://far-away", LoadOptions()),
            "20260101",
            filled.dbt,
            Display(quiet=True),
        )


def test_what_s3_refuses_is_said_in_one_line(
    redshift_bench: RedshiftBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for address, said in (
        ("s3://sparkify-nowhere", "s3://sparkify-nowhere: no such bucket"),
        (redshift_bench.address, "has no JSON files below"),
    ):
        with pytest.raises(PipelineError, match=said) as refused:
            plan_load(redshift_bench.settings, address, LoadOptions())
        assert "\n" not in str(refused.value)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(PipelineError, match="No AWS credentials were found. Set AWS_PROFILE"):
        plan_load(redshift_bench.settings, redshift_bench.address, LoadOptions())


def test_a_dry_run_shows_files_and_statements_and_writes_nothing(filled: RedshiftBench, stand_in: StandIn) -> None:
    plan = plan_load(filled.settings, filled.address, LoadOptions())
    stand_in.aws.requests.clear()
    said = "\n".join(describe(filled.settings, plan, filled.dbt))
    assert f"{filled.address}/song_data/A/2.json" in said
    assert "copy loading_staging_songs (" in said
    assert "commit" in said
    assert {method for method, _ in stand_in.aws.requests} <= {"GET", "HEAD"}
    assert not filled.rows("select * from information_schema.tables where table_name = 'load_history'")


def test_small_files_are_merged_and_errors_name_the_original(filled: RedshiftBench) -> None:
    filled.put("song_data/A/3.json", make_song(song_id="SO3"), "", make_song(song_id="SO4", year="soon"))
    with pytest.raises(PipelineError, match=r"song_data/A/3.json, line 3, year: .*'soon'"):
        filled.load(compact=True)
    assert landed(filled) == NOTHING
    left = boto3.client("s3").list_objects_v2(Bucket="sparkify-warehouse", Prefix="compacted/")["KeyCount"]
    filled.put("song_data/A/3.json", make_song(song_id="SO3"))
    assert filled.load(compact=True).rows == {"staging_events": 2, "staging_songs": 3}
    assert filled.rows("select file_key from load_history where table_name = 'staging_songs' order by 1") == [
        (f"song_data/A/{number}.json",) for number in (1, 2, 3)
    ]
    own = boto3.client("s3").list_objects_v2(Bucket="sparkify-warehouse", Prefix="compacted/")
    assert own["KeyCount"] == left  # what a load that failed has merged is for its next try, or the bucket's lifecycle


@pytest.mark.thorough
def test_two_thousand_small_files_with_and_without_merging(redshift_bench: RedshiftBench, stand_in: StandIn) -> None:
    """Both ways give the same rows; merged, COPY asks for one object instead of 2,000."""
    with ThreadPoolExecutor(8) as pool:
        names = [(f"song_data/A/{number:04}.json", make_song(song_id=f"SO{number}")) for number in range(2000)]
        list(pool.map(lambda item: redshift_bench.put(*item), names))
    found = []
    for merges in (False, True):
        stand_in.recreate_database()
        read: list[str] = []
        stand_in.before_object = lambda _, address, read=read: read.append(address)
        assert redshift_bench.load(only="songs", compact=merges).rows == {"staging_songs": 2000}
        found.append(sorted(redshift_bench.rows("select song_id, artist_id from staging_songs")))
        data = [address for address in read if "manifests/" not in address]
        assert len(data) == (1 if merges else 2000)
    assert found[0] == found[1]


def test_gzip_and_plain_files_side_by_side(redshift_bench: RedshiftBench) -> None:
    import gzip

    redshift_bench.put("log_data/1.json", make_event())
    redshift_bench.put("log_data/2.json.gz", gzip.compress(json.dumps(make_event(itemInSession=1)).encode()))
    assert redshift_bench.load(only="events").rows == {"staging_events": 2}


@pytest.mark.parametrize("compact", [False, True])
def test_a_key_is_taken_as_it_is(redshift_bench: RedshiftBench, compact: bool) -> None:
    bucket, prefix = split_uri(redshift_bench.address)
    client = boto3.client("s3")
    for number, key in enumerate(ODD_KEYS):
        body = json.dumps(make_event(sessionId=number))
        client.put_object(Bucket=bucket, Key=f"{prefix}/log_data/{key}", Body=body.encode())
    redshift_bench.load(only="events", compact=compact)
    assert sorted(redshift_bench.rows("select session_id from staging_events")) == [(n,) for n in range(len(ODD_KEYS))]
    assert {key for (key,) in redshift_bench.rows("select file_key from load_history")} == {
        f"log_data/{key}" for key in ODD_KEYS
    }


def test_an_archived_object_is_named_before_copy(redshift_bench: RedshiftBench) -> None:
    bucket, prefix = split_uri(redshift_bench.address)
    body = json.dumps(make_event()).encode()
    boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/log_data/1.json", Body=body, StorageClass="GLACIER")
    with pytest.raises(PipelineError, match=r"archived \(Glacier\).*: log_data/1\.json\. Nothing was loaded"):
        redshift_bench.load(only="events")


def test_redshift_loads_from_s3_only(redshift_bench: RedshiftBench, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Redshift loads from S3 only"):
        plan_load(redshift_bench.settings, str(tmp_path), LoadOptions())
