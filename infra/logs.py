"""The log groups of the audit log. Redshift would create them itself, but without tags and an expiry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.aws import ignoring
from infra.resource import Context, Found, Resource


class LogGroup(Resource):
    kind = "log group"

    def __init__(self, context: Context, log: str) -> None:
        super().__init__(context)
        self.key = f"log group {log}"
        self.name = f"/aws/redshift/cluster/{self.settings.project}/{log}"
        self.why = {
            "connectionlog": "Audit log: sign-ins, their origin, and failed attempts",
            "userlog": "Audit log: users created, changed and dropped",
            "useractivitylog": "Audit log: every statement, before it runs",
        }[log]

    def wanted(self) -> dict[str, object]:
        return {"retention days": self.settings.log_days}

    def find(self) -> Found | None:
        client = self.aws.client("logs")
        groups = client.describe_log_groups(logGroupNamePrefix=self.name)["logGroups"]
        group = next((group for group in groups if group["logGroupName"] == self.name), None)
        if group is None:
            return None
        arn = group["arn"].removesuffix(":*")
        tags = client.list_tags_for_resource(resourceArn=arn).get("tags", {})
        return Found(self.name, {"retention days": group.get("retentionInDays")}, tags)

    def create(self) -> None:
        with ignoring("ResourceAlreadyExistsException"):
            self.aws.client("logs").create_log_group(logGroupName=self.name, tags=self.tags)

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        days = differences["retention days"]
        self.aws.client("logs").put_retention_policy(logGroupName=self.name, retentionInDays=days)

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("ResourceNotFoundException"):
            self.aws.client("logs").delete_log_group(logGroupName=self.name)
