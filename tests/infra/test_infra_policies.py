"""The IAM documents: linted, without wildcards, and enough for all that is done."""

from __future__ import annotations

import fnmatch
import json
import warnings
from typing import Any

import pytest
from aws_account import ACCOUNT, REGION
from infra_stack import Account, settings_with

from infra.aws import Clock
from infra.operate import find_tagged, pause, resize, resume
from infra.operator_policy import operator_policies
from infra.policies import Document, copy_policy, tls_only
from infra.resource import Context
from infra.schedule import time_to_live

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pkg_resources, which it is yet to leave
    import parliament

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d-0000-1111-2222-333344445555"
# What AWS lets be limited to a resource, by its own list: service, action, kinds of resources.
RESOURCES = {
    f"{service['prefix']}:{action['privilege']}".lower(): [
        kind["resource_type"] for kind in action["resource_types"] if kind["resource_type"]
    ]
    for service in parliament.iam_definition
    for action in service["privileges"]
}
# The operations whose permission has another name.
PERMISSIONS = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:DeleteObjects": "s3:DeleteObject",
    "resourcegroupstaggingapi:GetResources": "tag:GetResources",
}


def documents(**changes: Any) -> dict[str, Document]:
    """Every IAM document there is for these settings."""
    settings = settings_with(ttl="8h", **changes)
    aws = type("Aws", (), {"partition": "aws", "account": ACCOUNT, "arn": staticmethod(arn)})()
    context = Context(settings, aws, Clock())
    ttl_role = time_to_live(context)[0]
    return {
        "copy": copy_policy("aws", "sparkify-own", settings.source_buckets, settings.kms_key),
        "ttl": ttl_role.wanted()["permissions"],
        **operator_policies(settings, account=ACCOUNT),
    }


def arn(service: str, resource: str, *, region: str = REGION) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


VARIANTS = [
    {},
    {"mode": "serverless"},
    {"kms_key": KEY, "source_buckets": "songs/song_data,events"},
    {"subnets": "subnet-0a1b2c3d,subnet-0a1b2c3e"},
]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_the_linter_finds_nothing(changes: dict[str, Any]) -> None:
    for name, document in documents(**changes).items():
        found = parliament.analyze_policy_string(json.dumps(document)).findings
        # A star where nothing else is possible is looked at below, by AWS's own list.
        assert [str(one) for one in found if one.issue != "RESOURCE_STAR"] == [], name


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_no_action_is_a_wildcard_and_no_resource_where_it_could_be_named(changes: dict[str, Any]) -> None:
    for name, document in documents(**changes).items():
        for statement in listed(document["Statement"]):
            for action in listed(statement["Action"]):
                assert "*" not in action, name
                assert action.lower() in RESOURCES, f"{name}: AWS has no {action}"
                if "*" in listed(statement["Resource"]):
                    assert RESOURCES[action.lower()] == [], f"{name}: {action} can be limited"


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_policies_fit_into_what_iam_takes(changes: dict[str, Any]) -> None:
    for name, document in documents(**changes).items():
        assert len(json.dumps(document, separators=(",", ":"))) < 6_144, name


def test_copy_reads_the_sources_below_their_prefixes_and_nothing_else() -> None:
    statements = copy_policy("aws", "own", [("songs", "2018"), ("events", "")], "")["Statement"]
    assert [(one["Action"], one["Resource"]) for one in statements] == [
        (["s3:GetBucketLocation", "s3:ListBucket"], ["arn:aws:s3:::events", "arn:aws:s3:::own", "arn:aws:s3:::songs"]),
        (["s3:GetObject"], ["arn:aws:s3:::events/*", "arn:aws:s3:::own/*", "arn:aws:s3:::songs/2018/*"]),
    ]


def test_the_bucket_refuses_who_comes_without_tls() -> None:
    assert {one["Effect"] for one in tls_only("aws", "own")["Statement"]} == {"Deny"}


@pytest.mark.parametrize("mode", ["provisioned", "serverless"])
def test_the_operators_policies_allow_every_call_that_is_made(account: Account, mode: str) -> None:
    settings = account.settings(mode=mode, public=True, ttl="8h")
    account.up(settings)
    if mode == "provisioned":
        pause(account.context(settings), lambda _: None)
        resume(account.context(settings), lambda _: None)
        resize(account.context(account.settings(nodes=2, public=True, ttl="8h")), lambda _: None)
    find_tagged(account.context(settings))
    account.up(account.settings(mode=mode, log_days=30, usage_limit=8, source_buckets="songs", port=5440))
    account.down(settings)
    allowed = {
        action
        for document in operator_policies(settings, account=ACCOUNT).values()
        for statement in document["Statement"]
        for action in statement["Action"]
    }
    made = {f"{service}:{name}" for service, name in account.state.calls} - {"sts:GetCallerIdentity"}
    needed = {PERMISSIONS.get(call, call) for call in made}
    assert {call for call in needed if not fnmatch.filter(allowed, call)} == set()
