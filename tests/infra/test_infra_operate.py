"""What an operator does with a stack, and what AWS may say to it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import boto3
import pytest
from infra_stack import Account, settings_with

from infra.aws import aws_errors, connect
from infra.connection import connection
from infra.errors import InfraError, InfraUsageError
from infra.grant import database_user
from infra.operate import find_tagged, look, pause, resize, resume
from infra.view import plan_words, status_words


def quiet(_: str) -> None:
    return


def test_status_shows_state_endpoint_cost_and_drift(account: Account) -> None:
    settings = account.settings(ttl="8h")
    assert look(account.context(settings)).state == "not created"
    account.up(settings)
    account.state.clock.time += timedelta(hours=100)
    account.state.clusters["sparkify"].record["EnhancedVpcRouting"] = False
    status = look(account.context(settings))
    assert status.state == "available"
    assert status.spent is not None
    assert abs(status.spent - Decimal(38)) < 1
    assert [step.resource.key for step in status.not_as_planned] == ["cluster"]
    text = status_words(status)
    assert "sparkify.abc123.us-west-2.redshift.amazonaws.com:5439/sparkify" in text
    assert "EnhancedVpcRouting: False → True" in text
    assert "(infra.ttl)" in text
    account.up(settings)
    assert "drift      none" in status_words(look(account.context(settings)))


def test_pause_resume_and_what_a_paused_cluster_refuses(account: Account) -> None:
    settings = account.settings()
    account.up(settings)
    context = account.context(settings)
    pause(context, quiet)
    assert look(context).state == "paused"
    with pytest.raises(InfraError, match="already paused"):
        pause(context, quiet)
    with pytest.raises(InfraError, match="is paused and cannot be changed"):
        account.up(account.settings(snapshot_days=30))
    with pytest.raises(InfraError, match="A paused cluster cannot be resized"):
        resize(account.context(account.settings(nodes=2)), quiet)
    resume(context, quiet)
    with pytest.raises(InfraError, match="already running"):
        resume(context, quiet)
    assert account.up(settings).is_done
    pause(context, quiet)
    account.down(settings)
    assert account.state.everything() == []


def test_serverless_needs_no_pause(account: Account) -> None:
    settings = account.settings(mode="serverless")
    with pytest.raises(InfraUsageError, match="while idle it costs only its storage"):
        pause(account.context(settings), quiet)


def test_resize_brings_what_the_settings_then_plan(account: Account) -> None:
    account.up(account.settings())
    larger = account.settings(node_type="rg.xlarge", nodes=4)
    resize(account.context(larger), quiet)
    assert account.plan(larger).is_done
    with pytest.raises(InfraError, match="The cluster already has 4 × rg.xlarge"):
        resize(account.context(larger), quiet)


@pytest.mark.parametrize("sizes", [(32, 64), (4, 8), (16, 16)])
def test_a_workgroup_is_resized_without_its_most_below_its_base(account: Account, sizes: tuple[int, int]) -> None:
    account.up(account.settings(mode="serverless", base_capacity=16, max_capacity=24))
    other = account.settings(mode="serverless", base_capacity=sizes[0], max_capacity=sizes[1])
    resize(account.context(other), quiet)
    assert account.plan(other).is_done


@pytest.mark.parametrize("sizes", [(32, 64), (4, 8)])
def test_up_changes_a_workgroups_size_in_the_order_that_the_service_takes(
    account: Account, sizes: tuple[int, int]
) -> None:
    account.up(account.settings(mode="serverless", base_capacity=16, max_capacity=24))
    other = account.settings(mode="serverless", base_capacity=sizes[0], max_capacity=sizes[1])
    account.up(other)
    assert account.plan(other).is_done


def test_a_time_to_live_is_not_put_off_by_another_up(account: Account) -> None:
    settings = account.settings(ttl="8h")
    account.up(settings)
    scheduler = boto3.client("scheduler", region_name="us-west-2")
    before = scheduler.get_schedule(GroupName="sparkify", Name="sparkify-deleteCluster")
    assert before["ActionAfterCompletion"] == "DELETE"
    account.state.clock.time += timedelta(hours=3)
    assert account.up(settings).is_done
    after = scheduler.get_schedule(GroupName="sparkify", Name="sparkify-deleteCluster")
    assert after["ScheduleExpression"] == before["ScheduleExpression"]
    account.up(account.settings(ttl="1d"))
    later = scheduler.get_schedule(GroupName="sparkify", Name="sparkify-deleteCluster")
    assert later["ScheduleExpression"] > before["ScheduleExpression"]


def test_find_lists_what_bears_the_tag_and_says_what_is_not_planned(account: Account) -> None:
    settings = account.settings()
    account.up(settings)
    found = find_tagged(account.context(settings))
    assert all(one.is_planned for one in found), [one.arn for one in found if not one.is_planned]
    assert {one.what for one in found} >= {"s3 bucket", "iam role", "ec2 vpc", "redshift cluster"}
    ec2 = boto3.client("ec2", region_name="us-west-2")
    tags = [{"Key": "sparkify:project", "Value": "sparkify"}, {"Key": "Name", "Value": "sparkify-vpc"}]
    twin = ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])
    orphans = [one.arn for one in find_tagged(account.context(settings)) if not one.is_planned]
    assert len(orphans) == 1
    account.down(settings)
    assert account.state.everything() == [], twin
    snapshots = find_tagged(account.context(settings))
    assert [one.what for one in snapshots] == ["redshift snapshot"]


@pytest.mark.parametrize("mode", ["provisioned", "serverless"])
def test_the_exports_are_what_a_shell_takes(account: Account, mode: str) -> None:
    settings = account.settings(mode=mode)
    with pytest.raises(InfraError, match="has no address"):
        connection(account.context(settings))
    account.up(settings)
    made = connection(account.context(settings))
    shown = subprocess.run(
        ["sh", "-euc", f"{made.exports}\nenv"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert made.variables.items() <= dict(line.split("=", 1) for line in shown.splitlines()).items()
    assert made.variables["SPARKIFY_TARGET"] == "redshift"
    assert made.variables["INVOKE_REDSHIFT_BUCKET"] == "sparkify-123456789012-us-west-2"
    role = boto3.client("iam").get_role(RoleName="sparkify-copy-us-west-2")["Role"]["Arn"]
    assert made.variables["INVOKE_REDSHIFT_COPY_ROLE_ARN"] == role
    which = "SPARKIFY_REDSHIFT_SERVERLESS" if mode == "serverless" else "SPARKIFY_REDSHIFT_CLUSTER_ID"
    assert made.variables[which] == "sparkify"
    assert not [name for name in made.variables if "PASSWORD" in name or "SECRET" in name]


def test_serverless_lets_its_operator_create_schemas_once(account: Account) -> None:
    settings = account.settings(mode="serverless")
    account.up(settings)
    users = account.state.namespaces["sparkify"].record["users"]
    assert users == {"IAM:moto": ["sparkify"]}
    asked = account.state.calls.count(("redshift-data", "ExecuteStatement"))
    account.up(settings)
    assert account.state.calls.count(("redshift-data", "ExecuteStatement")) == asked


@pytest.mark.parametrize(
    ("caller", "user"),
    [
        ("arn:aws:iam::123456789012:user/data/ada", "IAM:ada"),
        ("arn:aws:sts::123456789012:assumed-role/engineer/ada@example.org", "IAMR:engineer"),
        ("arn:aws-cn:iam::123456789012:user/ada", "IAM:ada"),
    ],
)
def test_the_database_user_of_an_identity(caller: str, user: str) -> None:
    assert database_user(caller) == user


@pytest.mark.parametrize("caller", ["arn:aws:iam::123456789012:root", 'arn:aws:iam::123456789012:user/a"; drop'])
def test_who_cannot_be_a_database_user_is_refused(caller: str) -> None:
    with pytest.raises(InfraError, match="not as root"):
        database_user(caller)


def test_a_missing_permission_is_named(account: Account) -> None:
    text = "User: arn:aws:iam::1:user/ada is not authorized to perform: ec2:CreateVpc on resource: …"
    account.state.deny = {"ec2:CreateVpc": text}
    with pytest.raises(InfraError, match="lack the permission ec2:CreateVpc. Attach the policies"):
        account.up(account.settings())
    account.state.deny = {"redshift:CreateClusterSubnetGroup": "Access denied"}
    with pytest.raises(InfraError, match="lack the permission CreateClusterSubnetGroup"):
        account.up(account.settings())


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredToken", "have expired. Set AWS_PROFILE"),
        ("InvalidClientTokenId", "does not recognize these credentials"),
        ("SignatureDoesNotMatch", "or this machine's clock is wrong"),
        ("Throttling", "AWS is throttling requests"),
        ("NumberOfNodesQuotaExceeded", "A quota of the account is used up"),
        ("InsufficientClusterCapacity", "AWS has no free nodes of this type"),
        ("SomethingNew", "AWS refused CreateCluster: two lines (SomethingNew)"),
    ],
)
def test_what_aws_refuses_is_one_line_with_a_cure(code: str, said: str) -> None:
    from botocore.exceptions import ClientError

    error = ClientError({"Error": {"Code": code, "Message": "two\nlines."}}, "CreateCluster")
    with pytest.raises(InfraError) as refused, aws_errors():
        raise error
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    return


@pytest.mark.usefixtures("nobody")
def test_no_credentials_and_a_profile_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InfraError, match="No working AWS credentials were found .* Set AWS_PROFILE"):
        connect(settings_with())
    monkeypatch.setenv("AWS_PROFILE", "missing")
    with pytest.raises(InfraUsageError, match="missing.* could not be found. Set AWS_PROFILE"):
        connect(settings_with())


@pytest.mark.usefixtures("nobody")
def test_an_aws_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InfraError, match="AWS could not be reached"):
        connect(settings_with())


def test_the_words_of_a_plan_name_cost_and_way_in(account: Account) -> None:
    words = plan_words(account.plan(account.settings(public=True)))
    assert "$0.386/h" in words
    assert "Private" not in words
    assert "INVOKE_INFRA_PUBLIC=true" in plan_words(account.plan(account.settings()))
