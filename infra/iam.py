"""The IAM roles that AWS services assume for the warehouse."""

from __future__ import annotations

import json
from collections.abc import Mapping

from infra.aws import ignoring, tag_list, tag_map
from infra.policies import Document, canonical, copy_policy, trust
from infra.resource import Context, Found, Resource

_POLICY_NAME = "access"


class Role(Resource):
    """A role with one inline policy. Its name contains the region, because roles are global and stacks are not."""

    kind = "IAM role"

    def __init__(self, context: Context, *, key: str, why: str, services: list[str], policy: Document) -> None:
        super().__init__(context)
        self.key, self.why = key, why
        self.name = f"{self.settings.project}-{key.split()[0]}-{self.settings.region}"
        self._services, self._policy = services, policy

    @property
    def arn(self) -> str:
        return self.aws.arn("iam", f"role{self.settings.roles_path}{self.name}", region="")

    def wanted(self) -> dict[str, object]:
        account = self.context.aws.account if self.context.aws else "(account)"
        return {"trust": canonical(trust(self._services, account)), "permissions": canonical(self._policy)}

    def find(self) -> Found | None:
        client = self.aws.client("iam")
        role = None
        with ignoring("NoSuchEntity"):
            role = client.get_role(RoleName=self.name)["Role"]
        if role is None:
            return None
        permissions = None
        with ignoring("NoSuchEntity"):
            permissions = client.get_role_policy(RoleName=self.name, PolicyName=_POLICY_NAME)["PolicyDocument"]
        attributes = {"trust": canonical(role["AssumeRolePolicyDocument"]), "permissions": canonical(permissions)}
        return Found(role["Arn"], attributes, tag_map(role.get("Tags")))

    def create(self) -> None:
        self.aws.client("iam").create_role(
            Path=self.settings.roles_path,
            RoleName=self.name,
            Description=self.why,
            AssumeRolePolicyDocument=json.dumps(self.wanted()["trust"]),
            Tags=tag_list(self.tags),
        )

    def change(self, found: Found, differences: Mapping[str, object]) -> None:
        client = self.aws.client("iam")
        if "trust" in differences:
            client.update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(differences["trust"]))
        if "permissions" in differences:
            text = json.dumps(differences["permissions"])
            client.put_role_policy(RoleName=self.name, PolicyName=_POLICY_NAME, PolicyDocument=text)

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        client = self.aws.client("iam")
        with ignoring("NoSuchEntity"):
            client.delete_role_policy(RoleName=self.name, PolicyName=_POLICY_NAME)
        with ignoring("NoSuchEntity"):
            client.delete_role(RoleName=self.name)


def copy_role(context: Context, bucket: str) -> Role:
    """The role with which COPY reads S3."""
    partition = context.aws.partition if context.aws else "aws"
    settings = context.settings
    return Role(
        context,
        key="copy role",
        why="Lets COPY list and read the source buckets and the project's own bucket, and nothing else",
        services=["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"],
        policy=copy_policy(partition, bucket, settings.source_buckets, settings.kms_key),
    )
