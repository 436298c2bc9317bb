"""The project's own bucket, for manifests and other files that COPY reads besides the data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from infra.aws import ignoring, tag_list, tag_map
from infra.errors import InfraError
from infra.policies import canonical, tls_only
from infra.resource import Context, Found, Resource

_NOTHING_SET = (
    "NoSuchTagSet",
    "NoSuchPublicAccessBlockConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "OwnershipControlsNotFoundError",
)
_PRIVATE = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class Bucket(Resource):
    """Private, encrypted, TLS only, versioned; manifests are deleted after 30 days."""

    kind = "S3 bucket"
    key = "bucket"
    holds_data = True

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        account = context.aws.account if context.aws else "ACCOUNT"
        self.name = self.settings.bucket or f"{self.settings.project}-{account}-{self.settings.region}"
        self.why = "Holds the manifests and merged files that COPY reads; private, encrypted, TLS only, versioned"

    def wanted(self) -> dict[str, object]:
        partition = self.context.aws.partition if self.context.aws else "aws"
        algorithm = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.settings.kms_key}
        return {
            "private": dict.fromkeys(_PRIVATE, True),
            "owner": "BucketOwnerEnforced",
            "encryption": algorithm if self.settings.kms_key else {"SSEAlgorithm": "AES256"},
            "policy": canonical(tls_only(partition, self.name)),
            "versioning": "Enabled",
            "lifecycle": [
                {
                    "ID": "manifests",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "manifests/"},
                    "Expiration": {"Days": 30},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                }
            ],
        }

    def find(self) -> Found | None:
        client = self.aws.client("s3")
        whose = {"Bucket": self.name, "ExpectedBucketOwner": self.aws.account}
        try:
            client.head_bucket(Bucket=self.name)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
                return None
            if error.response["Error"]["Code"] == "403":
                raise InfraError(
                    f"The bucket {self.name} belongs to another account, or these credentials lack s3:ListBucket. "
                    "Choose another infra.bucket, or attach the policies that `./inv infra.policy` prints."
                ) from error
            raise
        encryption = _told(client.get_bucket_encryption, "ServerSideEncryptionConfiguration", whose)
        rules = encryption["Rules"] if encryption else []
        policy = _told(client.get_bucket_policy, "Policy", whose)
        ownership = _told(client.get_bucket_ownership_controls, "OwnershipControls", whose)
        attributes = {
            "private": _told(client.get_public_access_block, "PublicAccessBlockConfiguration", whose),
            "owner": ownership["Rules"][0]["ObjectOwnership"] if ownership else None,
            "encryption": rules[0]["ApplyServerSideEncryptionByDefault"] if rules else None,
            "policy": canonical(json.loads(policy)) if policy else None,
            "versioning": client.get_bucket_versioning(**whose).get("Status"),
            "lifecycle": _told(client.get_bucket_lifecycle_configuration, "Rules", whose),
        }
        return Found(self.name, attributes, tag_map(_told(client.get_bucket_tagging, "TagSet", whose)))

    def create(self) -> None:
        place: dict[str, Any] = {"Tags": tag_list(self.tags)}
        if self.settings.region != "us-east-1":  # which S3 does not accept as a location
            place["LocationConstraint"] = self.settings.region
        with ignoring("BucketAlreadyOwnedByYou"):
            self.aws.client("s3").create_bucket(
                Bucket=self.name, CreateBucketConfiguration=place, ObjectOwnership="BucketOwnerEnforced"
            )

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        client = self.aws.client("s3")
        whose = {"Bucket": self.name, "ExpectedBucketOwner": self.aws.account}
        for name, value in differences.items():
            match name:
                case "private":
                    client.put_public_access_block(**whose, PublicAccessBlockConfiguration=value)
                case "owner":
                    rules = {"Rules": [{"ObjectOwnership": value}]}
                    client.put_bucket_ownership_controls(**whose, OwnershipControls=rules)
                case "encryption":
                    rule = {"ApplyServerSideEncryptionByDefault": value, "BucketKeyEnabled": True}
                    client.put_bucket_encryption(**whose, ServerSideEncryptionConfiguration={"Rules": [rule]})
                case "policy":
                    client.put_bucket_policy(**whose, Policy=json.dumps(value))
                case "versioning":
                    client.put_bucket_versioning(**whose, VersioningConfiguration={"Status": value})
                case "lifecycle":
                    client.put_bucket_lifecycle_configuration(**whose, LifecycleConfiguration={"Rules": value})

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        """Delete every version of every object, then the bucket: S3 only deletes empty buckets."""
        client = self.aws.client("s3")
        with ignoring("NoSuchBucket"):
            for page in client.get_paginator("list_object_versions").paginate(Bucket=self.name):
                entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                objects = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
                if not objects:
                    continue
                answer = client.delete_objects(Bucket=self.name, Delete={"Objects": objects, "Quiet": True})
                if failed := answer.get("Errors"):
                    raise InfraError(f"S3 did not delete {failed[0]['Key']} of {self.name}: {failed[0]['Message']}.")
            client.delete_bucket(Bucket=self.name, ExpectedBucketOwner=self.aws.account)


def _told(call: Callable[..., Any], member: str, whose: Mapping[str, str]) -> Any:
    """One member of an answer, or None if S3 says that nothing is set."""
    with ignoring(*_NOTHING_SET):
        return call(**whose)[member]
    return None
