"""IAM and resource policies, built by pure functions, with named actions and the narrowest resources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infra.aws import PROJECT_TAG

Document = dict[str, Any]


def document(*statements: dict[str, Any]) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def canonical(value: Any) -> Any:
    """Normalize a document for comparison: IAM and S3 may reorder lists and unwrap lists of one."""
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted((canonical(item) for item in value), key=repr)
        return items[0] if len(items) == 1 else items
    return value


def allow(sid: str, actions: Iterable[str], resources: Iterable[str], **more: Any) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": sorted(resources),
        **more,
    }


def of_project(project: str) -> dict[str, Any]:
    """A condition: the resource has the project's tag."""
    return {"StringEquals": {f"aws:ResourceTag/{PROJECT_TAG}": project}}


def for_project(project: str) -> dict[str, Any]:
    """A condition: the resource is created with the project's tag."""
    return {"StringEquals": {f"aws:RequestTag/{PROJECT_TAG}": project}}


def trust(services: Iterable[str], account: str) -> Document:
    """Who may assume a role: AWS services, and only for this account (no confused deputy)."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": sorted(services)},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
    )


def copy_policy(partition: str, bucket: str, sources: Iterable[tuple[str, str]], kms_key: str) -> Document:
    """Let COPY read the sources below their prefixes and the project's own bucket."""
    places = [(bucket, ""), *sources]
    statements = [
        allow(
            "FindObjects", ["s3:ListBucket", "s3:GetBucketLocation"], {_bucket(partition, name) for name, _ in places}
        ),
        allow("ReadObjects", ["s3:GetObject"], {_objects(partition, *place) for place in places}),
    ]
    if kms_key:
        statements.append(allow("ReadEncrypted", ["kms:Decrypt"], [kms_key]))
    return document(*statements)


def tls_only(partition: str, bucket: str) -> Document:
    """Refuse requests to the bucket without TLS 1.2."""
    both = [_bucket(partition, bucket), _objects(partition, bucket, "")]
    return document(
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": both,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "NoOldTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": both,
            "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        },
    )


def _bucket(partition: str, name: str) -> str:
    return f"arn:{partition}:s3:::{name}"


def _objects(partition: str, name: str, prefix: str) -> str:
    return f"arn:{partition}:s3:::{name}/{prefix + '/' if prefix else ''}*"
