"""What is planned: twice is once, drift is mended, what is not ours is left alone, and no data goes unasked."""

from __future__ import annotations

import boto3
import pytest
from infra_stack import Account, settings_with

from infra.apply import tear_down
from infra.aws import Clock
from infra.errors import InfraError, InfraUsageError
from infra.plan import Action, make_plan, plan_to_delete
from infra.stack import offline_context

MODES = pytest.mark.parametrize("mode", ["provisioned", "serverless"])


def client(service: str) -> object:
    return boto3.client(service, region_name="us-west-2")


@MODES
@pytest.mark.parametrize("changes", [{}, {"public": True, "ttl": "8h"}], ids=["plain", "public with ttl"])
def test_up_twice_does_nothing_the_second_time(account: Account, mode: str, changes: dict[str, object]) -> None:
    settings = account.settings(mode=mode, **changes)
    account.up(settings)
    there, before = account.state.everything(), len(account.state.calls)
    assert account.up(settings).is_done
    assert account.state.everything() == there
    assert not [
        name for _, name in account.state.calls[before:] if not name.startswith(("Describe", "Get", "List", "Head"))
    ]


@MODES
def test_up_and_down_leave_the_account_as_it_was(account: Account, mode: str) -> None:
    settings = account.settings(mode=mode, public=True, ttl="3d")
    account.up(settings)
    snapshot = account.down(settings)
    assert account.state.everything() == []
    [kept] = account.state.snapshots
    assert kept.removeprefix("serverless:") == snapshot
    assert account.state.snapshot_tags[snapshot]["sparkify:project"] == "sparkify"
    account.up(settings)
    assert account.down(settings, take_snapshot=False) == ""
    assert len(account.state.snapshots) == 1


def test_offline_everything_is_to_be_created_and_has_a_reason() -> None:
    for mode in ("provisioned", "serverless"):
        plan = make_plan(offline_context(settings_with(mode=mode, public=True, ttl="8h"), Clock()))
        assert {step.action for step in plan.steps} == {Action.CREATE}
        assert all(len(step.resource.why) > 20 for step in plan.steps)
        assert plan.cost.hourly is not None
        assert plan.cost.hourly > 0


@pytest.mark.parametrize(
    ("settings", "changes", "changed"),
    [
        ({}, {"log_days": 30}, {"log group connectionlog", "log group userlog", "log group useractivitylog"}),
        ({}, {"snapshot_days": 14}, {"cluster"}),
        ({}, {"node_type": "rg.xlarge", "nodes": 2}, {"cluster"}),
        ({}, {"port": 5440}, {"cluster", "security group"}),
        ({}, {"source_buckets": "songs"}, {"copy role"}),
        ({}, {"ingress_cidr": "10.83.7.0/24"}, {"security group"}),
        ({"public": True}, {"public": False}, {"cluster", "security group", "route table", "internet gateway"}),
        ({}, {"public": True}, {"cluster", "security group", "route table", "internet gateway"}),
        ({}, {"ttl": "8h"}, {"ttl role", "schedule group", "schedule deleteCluster"}),
        ({"ttl": "8h"}, {"ttl": ""}, {"ttl role", "schedule group", "schedule deleteCluster"}),
        ({"ttl": "8h"}, {"ttl": "3d"}, {"schedule deleteCluster"}),
        (
            {"node_type": "ra3.xlplus", "nodes": 2},
            {"node_type": "ra3.xlplus", "nodes": 2, "multi_az": True},
            {"cluster"},
        ),
        ({"mode": "serverless"}, {"base_capacity": 16, "max_capacity": 32}, {"workgroup"}),
        ({"mode": "serverless"}, {"usage_limit": 4}, {"usage limit"}),
        (
            {"mode": "serverless"},
            {"port": 5440, "public": True},
            {"workgroup", "security group", "route table", "internet gateway"},
        ),
    ],
    ids=lambda value: ", ".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_another_setting_changes_what_it_concerns_and_ends_like_a_new_stack(
    account: Account, settings: dict[str, object], changes: dict[str, object], changed: set[str]
) -> None:
    after = {**settings, **changes}
    wanted = {name: value for name, value in after.items() if value != ""}
    account.up(account.settings(**wanted))
    new = account.state.everything()
    account.state.reset()
    account.up(account.settings(**settings))
    plan = account.up(account.settings(**wanted))
    assert {step.resource.key for step in plan.steps if step.action is not Action.KEEP} == changed
    assert account.state.everything() == new


def test_what_was_changed_by_hand_is_shown_and_mended(account: Account) -> None:
    settings = account.settings(ingress_cidr="203.0.113.7/32")
    account.up(settings)
    there = account.state.everything()
    s3, iam, ec2, redshift = (client(name) for name in ("s3", "iam", "ec2", "redshift"))
    s3.delete_public_access_block(Bucket="sparkify-123456789012-us-west-2")
    s3.delete_bucket_policy(Bucket="sparkify-123456789012-us-west-2")
    iam.put_role_policy(
        RoleName="sparkify-copy-us-west-2",
        PolicyName="access",
        PolicyDocument='{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}',
    )
    [group] = ec2.describe_security_groups(Filters=[{"Name": "tag:Name", "Values": ["sparkify-security-group"]}])[
        "SecurityGroups"
    ]
    everybody = {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[everybody])
    account.state.clusters["sparkify"].record.update(EnhancedVpcRouting=False, logging=None, AllowVersionUpgrade=False)
    parameter = {"ParameterName": "require_ssl", "ParameterValue": "false"}
    redshift.modify_cluster_parameter_group(ParameterGroupName="sparkify", Parameters=[parameter])

    plan = account.plan(settings)
    assert {step.resource.key: set(step.differences) for step in plan.with_action(Action.CHANGE)} == {
        "bucket": {"private", "policy"},
        "copy role": {"permissions"},
        "security group": {"inbound rules"},
        "parameter group": {"require_ssl"},
        "cluster": {"EnhancedVpcRouting", "audit log", "AllowVersionUpgrade", "parameters"},
    }
    account.up(settings)
    assert account.state.everything() == there


def test_what_was_deleted_by_hand_is_made_again(account: Account) -> None:
    settings = account.settings()
    account.up(settings)
    there = account.state.everything()
    client("logs").delete_log_group(logGroupName="/aws/redshift/cluster/sparkify/userlog")
    client("iam").delete_role_policy(RoleName="sparkify-copy-us-west-2", PolicyName="access")
    client("iam").delete_role(RoleName="sparkify-copy-us-west-2")
    account.up(settings)
    assert account.state.everything() == there


def foreign_bucket() -> None:
    client("s3").create_bucket(
        Bucket="sparkify-123456789012-us-west-2",
        CreateBucketConfiguration={"LocationConstraint": "us-west-2", "Tags": [{"Key": "team", "Value": "other"}]},
    )


def foreign_role() -> None:
    client("iam").create_role(RoleName="sparkify-copy-us-west-2", AssumeRolePolicyDocument="{}")


def foreign_parameter_group() -> None:
    client("redshift").create_cluster_parameter_group(
        ParameterGroupName="sparkify", ParameterGroupFamily="redshift-2.0", Description="theirs", Tags=[]
    )


@pytest.mark.parametrize("make", [foreign_bucket, foreign_role, foreign_parameter_group])
def test_what_is_not_tagged_as_ours_is_neither_changed_nor_deleted(account: Account, make: object) -> None:
    make()
    there = account.state.everything()
    with pytest.raises(InfraError, match="already exist without this project's tag"):
        account.up(account.settings())
    account.down(account.settings())
    assert account.state.everything() == there


def test_a_cluster_of_another_project_stays(account: Account) -> None:
    account.up(account.settings())
    account.state.clusters["sparkify"].tags[0]["Value"] = "another"
    there = dict(account.state.clusters)
    with pytest.raises(InfraError, match="cluster sparkify"):
        account.up(account.settings(snapshot_days=30))
    plan = plan_to_delete(account.context(account.settings()))
    assert "cluster" not in {step.resource.key for step in plan.steps}
    assert account.state.clusters == there


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"database": "other"}, "the cluster sparkify cannot be given another database"),
        (
            {"mode": "serverless"},
            {"mode": "serverless", "admin": "root_user"},
            "the namespace sparkify cannot be given another admin",
        ),
        ({}, {"mode": "serverless"}, "the cluster sparkify is not part of them"),
        ({"mode": "serverless"}, {}, "the namespace sparkify is not part of them"),
    ],
    ids=str,
)
def test_where_data_would_go_it_must_be_asked_for(
    account: Account, before: dict[str, object], after: dict[str, object], said: str
) -> None:
    account.up(account.settings(**after))
    new = account.state.everything()
    account.state.reset()
    account.up(account.settings(**before))
    there = account.state.everything()
    with pytest.raises(InfraUsageError, match=said):
        account.up(account.settings(**after))
    assert account.state.everything() == there
    account.up(account.settings(**after), may_replace=True)
    assert account.state.everything() == new
    assert len(account.state.snapshots) == 1


def test_a_network_that_the_warehouse_stands_in_is_not_replaced(account: Account) -> None:
    account.up(account.settings())
    with pytest.raises(InfraUsageError, match="The VPC sparkify-vpc cannot be given another range"):
        account.up(account.settings(vpc_cidr="10.90.0.0/20"))


def test_subnets_that_are_there_are_used_and_left_alone(account: Account) -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]

    def subnet(number: int, zone: str) -> str:
        made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{number}.0/24", AvailabilityZone=f"us-west-2{zone}")
        return made["Subnet"]["SubnetId"]

    ids = [subnet(number, zone) for number, zone in enumerate("abc")]
    there = account.state.everything()
    for mode in ("provisioned", "serverless"):
        settings = account.settings(mode=mode, subnets=",".join(ids))
        account.up(settings)
        assert not [
            line for line in account.state.everything() if line.startswith(("vpc", "subnet:")) and "sparkify" in line
        ]
        account.down(settings)
        assert account.state.everything() == there
    with pytest.raises(InfraUsageError, match="each in a different zone"):
        account.up(account.settings(subnets=f"{ids[0]},{subnet(9, 'a')}"))


def test_down_waits_for_a_cluster_that_is_still_being_made(account: Account) -> None:
    settings = account.settings()
    account.up(settings)
    account.state.clusters["sparkify"].ahead = ["modifying"] * 5
    account.down(settings)
    assert account.state.everything() == []


def test_up_waits_for_a_cluster_that_is_being_deleted_and_makes_it_anew(account: Account) -> None:
    settings = account.settings()
    account.up(settings)
    there = account.state.everything()
    client("redshift").delete_cluster(ClusterIdentifier="sparkify", SkipFinalClusterSnapshot=True)
    account.up(settings)
    assert account.state.everything() == there


def test_a_broken_cluster_is_named_and_can_be_deleted(account: Account) -> None:
    settings = account.settings()
    account.up(settings)
    account.state.clusters["sparkify"].record["resting"] = "incompatible-network"
    with pytest.raises(InfraError, match="is in the state incompatible-network"):
        account.up(settings)
    account.down(settings, take_snapshot=False)
    assert account.state.everything() == []


def test_an_hour_of_creating_is_waited_for_and_a_day_is_not(account: Account) -> None:
    account.state.looks = 200
    account.up(account.settings())
    account.state.reset(looks=20_000)
    with pytest.raises(InfraError, match="cluster sparkify is not ready after 90 minutes"):
        account.up(account.settings())


def test_what_the_region_does_not_offer_is_said_before_anything_is_made(account: Account) -> None:
    account.state.node_types = ("ra3.large", "ra3.xlplus")
    with pytest.raises(InfraUsageError, match="does not offer rg.large. Choose one of: ra3.large, ra3.xlplus"):
        account.up(account.settings())
    assert account.state.everything() == []


def test_a_bucket_with_versions_in_it_goes_too(account: Account) -> None:
    settings = account.settings()
    account.up(settings)
    s3 = client("s3")
    for text in (b"one", b"two"):
        s3.put_object(Bucket="sparkify-123456789012-us-west-2", Key="manifests/1/songs.manifest", Body=text)
    s3.delete_object(Bucket="sparkify-123456789012-us-west-2", Key="manifests/1/songs.manifest")
    tear_down(plan_to_delete(account.context(settings)), take_snapshot=True, report=lambda _: None)
    assert account.state.everything() == []
