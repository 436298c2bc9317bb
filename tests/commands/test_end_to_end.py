"""From no warehouse to none: infra.up, IAM sign-in as it says, load and build, infra.down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aws_state import RefusedError
from benches import CONFIG, RedshiftBench
from infra_stack import Account
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from records import make_event, make_song

from infra.connection import connection
from pipeline.dbt.runner import Dbt
from pipeline.settings import read_settings
from redshift_stand_in import StandIn

SOURCE = "sparkify-listening"


def test_up_sign_in_load_build_down(
    account: Account, started_stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is simulated, the warehouse is the stand-in: only host and port are other than infra.up says."""
    stand_in = started_stand_in
    stand_in.recreate_database()
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(SOURCE, "us-west-2")
    settings = account.settings(source_buckets=SOURCE)
    account.up(settings)
    said = connection(account.context(settings)).variables
    assert said["SPARKIFY_REDSHIFT_METHOD"] == "iam"
    assert not [name for name in said if "PASSWORD" in name]

    lend_credentials(account, stand_in, said["SPARKIFY_REDSHIFT_CLUSTER_ID"])
    stand_in.make_admin(said["SPARKIFY_REDSHIFT_USER"])
    place = {"SPARKIFY_REDSHIFT_HOST": "127.0.0.1", "SPARKIFY_REDSHIFT_PORT": str(stand_in.port)}
    for name, value in {**said, **place, "SSL_CERT_FILE": str(stand_in.authority)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))

    redshift = {"bucket": said["INVOKE_REDSHIFT_BUCKET"], "copy_role_arn": said["INVOKE_REDSHIFT_COPY_ROLE_ARN"]}
    warehouse = read_settings({**CONFIG, "target": "redshift", "source": f"s3://{SOURCE}", "redshift": redshift})
    bench = RedshiftBench(warehouse, Dbt(warehouse), tmp_path / "source", f"s3://{SOURCE}")
    bench.put("log_data/1.json", make_event(), make_event(itemInSession=1))
    bench.put("song_data/A/1.json", make_song())
    assert bench.load().rows == {"staging_events": 2, "staging_songs": 1}
    bench.build(tests=False)
    assert bench.rows("select count(*) from songplays") == [(2,)]

    account.down(settings)
    s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets.pop(SOURCE)
    assert account.state.everything() == []


def lend_credentials(account: Account, stand_in: StandIn, cluster: str) -> None:
    """What the account answers when the driver asks for a password."""

    def credentials(request: dict[str, Any]) -> dict[str, Any]:
        assert request["ClusterIdentifier"] == cluster
        user = f"IAM:{request['DbUser']}"
        password, expires = stand_in.accounts.issue(user)
        return {"DbUser": user, "DbPassword": password, "Expiration": expires}

    def no_domains(request: dict[str, Any]) -> dict[str, Any]:
        raise RefusedError("CustomCnameAssociationFault", f"none for {request.get('CustomDomainName')}")

    account.state.redshift_GetClusterCredentials = credentials
    account.state.redshift_DescribeCustomDomainAssociations = no_domains
