"""Redshift Serverless: a namespace holds the data, a workgroup computes, a usage limit caps the cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from infra.aws import ignoring, tag_list, tag_map
from infra.cluster import subnet_ids
from infra.prices import Cost, workgroup_cost
from infra.resource import Context, Found, Resource, State
from infra.settings import LOGS

_STATES = {"AVAILABLE": State.READY, "DELETING": State.LEAVING}
_PARAMETERS = {"require_ssl": "true", "enable_user_activity_logging": "true"}


class ServerlessResource(Resource):
    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.name = self.settings.project

    @property
    def serverless(self) -> Any:
        return self.aws.client("redshift-serverless")

    def tags_there(self, arn: str) -> dict[str, str]:
        return tag_map(self.serverless.list_tags_for_resource(resourceArn=arn).get("tags"))


class Namespace(ServerlessResource):
    kind = "namespace"
    key = "namespace"
    why = "Holds the data, the users and the encryption key of a serverless warehouse"
    holds_data = True
    fixed = frozenset({"database", "admin"})

    def wanted(self) -> dict[str, object]:
        wanted: dict[str, object] = {
            "database": self.settings.database,
            "admin": self.settings.admin,
            "manageAdminPassword": True,
            "iamRoles": [self.context.id_of("copy role")],
            "logExports": sorted(LOGS),
        }
        if self.settings.kms_key:
            wanted["kmsKeyId"] = self.settings.kms_key
        return wanted

    def describe(self) -> dict[str, Any]:
        """The service's description of the namespace, empty if it does not exist."""
        with ignoring("ResourceNotFoundException"):
            namespace: dict[str, Any] = self.serverless.get_namespace(namespaceName=self.name)["namespace"]
            return namespace
        return {}

    def find(self) -> Found | None:
        namespace = self.describe()
        if not namespace:
            return None
        attributes = {
            "database": namespace.get("dbName"),
            "admin": namespace.get("adminUsername"),
            "manageAdminPassword": bool(namespace.get("adminPasswordSecretArn")),
            "iamRoles": sorted(_role_arn(role) for role in namespace.get("iamRoles", [])),
            "logExports": sorted(namespace.get("logExports", [])),
            "kmsKeyId": namespace.get("kmsKeyId"),
        }
        arn, status = namespace["namespaceArn"], namespace["status"]
        return Found(arn, attributes, self.tags_there(arn), _STATES.get(status, State.BUSY), status.lower())

    def create(self) -> None:
        key = self.settings.kms_key
        with ignoring("ConflictException"):
            self.serverless.create_namespace(
                namespaceName=self.name,
                dbName=self.settings.database,
                adminUsername=self.settings.admin,
                manageAdminPassword=True,
                iamRoles=[self.context.id_of("copy role")],
                logExports=list(LOGS),
                **({"kmsKeyId": key, "adminPasswordSecretKmsKeyId": key} if key else {}),
                tags=tag_list(self.tags, "key", "value"),
            )

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        """Change one attribute at a time, which is all that a request may have."""
        name, value = next(iter(differences.items()))
        self.serverless.update_namespace(namespaceName=self.name, **{name: value})

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        last: dict[str, Any] = {}
        if snapshot:
            last = {
                "finalSnapshotName": snapshot,
                "finalSnapshotRetentionPeriod": self.settings.final_snapshot_days,
            }
        with ignoring("ResourceNotFoundException"):
            self.serverless.delete_namespace(namespaceName=self.name, **last)

    def tag_snapshot(self, snapshot: str) -> None:
        with ignoring("ResourceNotFoundException"):
            arn = self.serverless.get_snapshot(snapshotName=snapshot)["snapshot"]["snapshotArn"]
            self.serverless.tag_resource(resourceArn=arn, tags=tag_list(self.tags, "key", "value"))


class Workgroup(ServerlessResource):
    kind = "workgroup"
    key = "workgroup"
    fixed = frozenset({"namespace"})

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        settings = self.settings
        self.why = f"Runs queries on {settings.base_capacity} to {settings.max_capacity} RPU; none while idle"

    def cost(self) -> Cost:
        return workgroup_cost(self.settings)

    def wanted(self) -> dict[str, object]:
        settings = self.settings
        return {
            "namespace": self.name,
            "baseCapacity": settings.base_capacity,
            "maxCapacity": settings.max_capacity,
            "publiclyAccessible": settings.public,
            "enhancedVpcRouting": True,
            "port": settings.port,
            "securityGroupIds": [self.context.id_of("security group")],
            "subnetIds": subnet_ids(self.context),
            "configParameters": dict(_PARAMETERS),
        }

    def describe(self) -> dict[str, Any] | None:
        with ignoring("ResourceNotFoundException"):
            workgroup: dict[str, Any] = self.serverless.get_workgroup(workgroupName=self.name)["workgroup"]
            return workgroup
        return None

    def find(self) -> Found | None:
        workgroup = self.describe()
        if workgroup is None:
            return None
        parameters = {one["parameterKey"]: one.get("parameterValue") for one in workgroup.get("configParameters", [])}
        same = ("baseCapacity", "maxCapacity", "publiclyAccessible", "enhancedVpcRouting", "port")
        attributes: dict[str, object] = {
            **{name: workgroup.get(name) for name in same},
            "namespace": workgroup.get("namespaceName"),
            "securityGroupIds": sorted(workgroup.get("securityGroupIds", [])),
            "subnetIds": sorted(workgroup.get("subnetIds", [])),
            "configParameters": {name: parameters.get(name) for name in _PARAMETERS},
        }
        arn, status = workgroup["workgroupArn"], workgroup["status"]
        return Found(arn, attributes, self.tags_there(arn), _STATES.get(status, State.BUSY), status.lower())

    def create(self) -> None:
        settings = self.settings
        with ignoring("ConflictException"):
            self.serverless.create_workgroup(
                workgroupName=self.name,
                namespaceName=self.name,
                baseCapacity=settings.base_capacity,
                maxCapacity=settings.max_capacity,
                publiclyAccessible=settings.public,
                enhancedVpcRouting=True,
                port=settings.port,
                securityGroupIds=[self.context.id_of("security group")],
                subnetIds=subnet_ids(self.context),
                configParameters=_parameters(),
                tags=tag_list(self.tags, "key", "value"),
            )

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        """Change one attribute at a time, which is all that a request may have, and never let max fall below base."""
        most = found.attributes["maxCapacity"] or 0
        grows = differences.get("maxCapacity", 0) > most
        name = "maxCapacity" if grows else next(iter(differences))
        value = differences[name]
        self.serverless.update_workgroup(
            workgroupName=self.name, **{name: _parameters() if name == "configParameters" else value}
        )

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("ResourceNotFoundException"):
            self.serverless.delete_workgroup(workgroupName=self.name)


class UsageLimit(ServerlessResource):
    """The daily limit, beyond which queries are off until midnight. It belongs to its workgroup and has its tags."""

    kind = "usage limit"
    key = "usage limit"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.why = f"Turns queries off beyond {self.settings.usage_limit} RPU-hours a day"

    def wanted(self) -> dict[str, object]:
        return {"amount": self.settings.usage_limit, "breachAction": "deactivate"}

    def find(self) -> Found | None:
        arn = self.context.ids.get("workgroup")
        if arn is None:
            return None
        limits: list[dict[str, Any]] = []
        with ignoring("ResourceNotFoundException"):
            answer = self.serverless.list_usage_limits(resourceArn=arn, usageType="serverless-compute")
            limits = answer.get("usageLimits", [])
        for limit in limits:
            if limit["period"] == "daily":
                attributes = {"amount": limit["amount"], "breachAction": limit["breachAction"]}
                return Found(limit["usageLimitId"], attributes, self.tags)
        return None

    def create(self) -> None:
        with ignoring("ConflictException"):
            self.serverless.create_usage_limit(
                resourceArn=self.context.id_of("workgroup"),
                usageType="serverless-compute",
                amount=self.settings.usage_limit,
                period="daily",
                breachAction="deactivate",
            )

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        self.serverless.update_usage_limit(usageLimitId=found.id, **differences)

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("ResourceNotFoundException"):
            self.serverless.delete_usage_limit(usageLimitId=found.id)


def _parameters() -> list[dict[str, str]]:
    return [{"parameterKey": name, "parameterValue": value} for name, value in _PARAMETERS.items()]


def _role_arn(text: str) -> str:
    """The ARN in the service's text IamRole(applyStatus=in-sync, iamRoleArn=arn:…)."""
    found = re.search(r"arn:[^\s,)]+", text)
    return found[0] if found else text
