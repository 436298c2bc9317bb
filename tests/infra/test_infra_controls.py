"""AWS Security Hub's controls, held against a stack as it was made; docs/security_controls.md lists them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from infra_stack import Account

from pipeline.settings import PROJECT_ROOT

TABLE = (PROJECT_ROOT / "docs/security_controls.md").read_text(encoding="utf-8")
TAG = "sparkify:project"
KEY = "arn:aws:kms:us-west-2:123456789012:key/0a1b2c3d-0000-1111-2222-333344445555"


def is_tagged(tags: list[dict[str, str]]) -> bool:
    return TAG in {tag.get("Key") or tag.get("key") for tag in tags}


def ingress_is_restricted(_: Account) -> bool:
    ec2 = boto3.client("ec2", region_name="us-west-2")
    named = [{"Name": f"tag:{TAG}", "Values": ["sparkify"]}]
    [group] = ec2.describe_security_groups(Filters=named)["SecurityGroups"]
    ranges = [one["CidrIp"] for rule in group["IpPermissions"] for one in rule["IpRanges"]]
    return bool(group["IpPermissions"]) and all(not text.endswith("/0") for text in ranges)


def zones(account: Account) -> set[str]:
    ec2 = boto3.client("ec2", region_name="us-west-2")
    subnets = ec2.describe_subnets(SubnetIds=account.state.subnet_groups["sparkify"]["SubnetIds"])["Subnets"]
    return {subnet["AvailabilityZone"] for subnet in subnets}


def cluster(account: Account) -> dict[str, Any]:
    return account.state.clusters["sparkify"].record


def namespace(account: Account) -> dict[str, Any]:
    return account.state.namespaces["sparkify"].record


def workgroup(account: Account) -> dict[str, Any]:
    return account.state.workgroups["sparkify"].record


def snapshot_is_tagged(account: Account) -> bool:
    snapshot = account.down(account.settings())
    return account.state.snapshot_tags[snapshot].get(TAG) == "sparkify"


MULTI_AZ = {"node_type": "ra3.xlplus", "nodes": 2, "multi_az": True}
SERVERLESS = {"mode": "serverless"}
# Settings that a control needs besides the defaults, and whether it is met.
CONTROLS: dict[str, tuple[dict[str, Any], Callable[[Account], bool]]] = {
    "Redshift.1": ({}, lambda account: not cluster(account)["PubliclyAccessible"]),
    "Redshift.2": ({}, lambda account: account.state.parameter_groups["sparkify"]["values"]["require_ssl"] == "true"),
    "Redshift.3": ({}, lambda account: cluster(account)["AutomatedSnapshotRetentionPeriod"] >= 7),
    "Redshift.4": ({}, lambda account: "connectionlog" in cluster(account)["logging"]["LogExports"]),
    "Redshift.6": ({}, lambda account: cluster(account)["AllowVersionUpgrade"]),
    "Redshift.7": ({}, lambda account: cluster(account)["EnhancedVpcRouting"]),
    "Redshift.8": ({}, lambda account: cluster(account)["MasterUsername"] not in ("awsuser", "admin")),
    "Redshift.10": ({}, lambda account: cluster(account)["Encrypted"]),
    "Redshift.11": ({}, lambda account: is_tagged(account.state.clusters["sparkify"].tags)),
    "Redshift.12": ({}, lambda account: "CreateEventSubscription" not in {name for _, name in account.state.calls}),
    "Redshift.13": ({}, snapshot_is_tagged),
    "Redshift.14": ({}, lambda account: is_tagged(account.state.subnet_groups["sparkify"]["Tags"])),
    "Redshift.15": ({"public": True}, ingress_is_restricted),
    "Redshift.16": ({}, lambda account: len(zones(account)) >= 2),
    "Redshift.17": ({}, lambda account: is_tagged(account.state.parameter_groups["sparkify"]["Tags"])),
    "Redshift.18": (MULTI_AZ, lambda account: cluster(account)["MultiAZ"] == "enabled"),
    "RedshiftServerless.1": (SERVERLESS, lambda account: workgroup(account)["enhancedVpcRouting"]),
    "RedshiftServerless.2": (
        SERVERLESS,
        lambda account: (
            {"parameterKey": "require_ssl", "parameterValue": "true"} in workgroup(account)["configParameters"]
        ),
    ),
    "RedshiftServerless.3": (SERVERLESS, lambda account: not workgroup(account)["publiclyAccessible"]),
    "RedshiftServerless.4": ({**SERVERLESS, "kms_key": KEY}, lambda account: namespace(account)["kmsKeyId"] == KEY),
    "RedshiftServerless.5": (
        SERVERLESS,
        lambda account: namespace(account)["adminUsername"] not in ("awsuser", "admin"),
    ),
    "RedshiftServerless.6": (
        SERVERLESS,
        lambda account: {"connectionlog", "userlog"} <= set(namespace(account)["logExports"]),
    ),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_the_stack_meets_the_control(account: Account, control: str) -> None:
    changes, is_met = CONTROLS[control]
    account.up(account.settings(**changes))
    assert is_met(account)


def test_the_table_has_every_control_and_the_setting_where_a_default_departs() -> None:
    rows = {row[0]: row for row in re.findall(r"^\| (\w+\.\d+) \| (.*?) \| (.*?) \| (.*?) \|$", TABLE, re.MULTILINE)}
    assert set(rows) == set(CONTROLS)
    for control, (changes, _) in CONTROLS.items():
        for name in set(changes) - {"mode", "node_type", "nodes", "public"}:
            assert f"`infra.{name}`" in rows[control][2], control


def test_serverless_is_stopped_at_its_limit(account: Account) -> None:
    account.up(account.settings(**SERVERLESS, base_capacity=16, max_capacity=24, usage_limit=5))
    [limit] = account.state.usage_limits.values()
    assert (limit["amount"], limit["period"], limit["breachAction"]) == (5, "daily", "deactivate")
    assert (workgroup(account)["baseCapacity"], workgroup(account)["maxCapacity"]) == (16, 24)


def test_nobody_is_told_a_password(account: Account) -> None:
    for mode in ("provisioned", "serverless"):
        account.state.reset()
        account.up(account.settings(mode=mode))
        given = {name for _, request in account.state.requests for name in request}
        assert given.isdisjoint({"MasterUserPassword", "adminUserPassword"})


def test_the_bucket_is_private_encrypted_versioned_and_does_not_keep_manifests(account: Account) -> None:
    account.up(account.settings(kms_key=KEY))
    s3, name = boto3.client("s3", region_name="us-west-2"), {"Bucket": "sparkify-123456789012-us-west-2"}
    assert set(s3.get_public_access_block(**name)["PublicAccessBlockConfiguration"].values()) == {True}
    assert s3.get_bucket_ownership_controls(**name)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    [rule] = s3.get_bucket_encryption(**name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    assert s3.get_bucket_versioning(**name)["Status"] == "Enabled"
    [rule] = s3.get_bucket_lifecycle_configuration(**name)["Rules"]
    assert (rule["Filter"]["Prefix"], rule["Expiration"]["Days"]) == ("manifests/", 30)
    assert "aws:SecureTransport" in s3.get_bucket_policy(**name)["Policy"]
