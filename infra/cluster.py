"""The provisioned cluster, its subnet group and its parameter group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.aws import ignoring, tag_list, tag_map
from infra.prices import Cost, cluster_cost
from infra.resource import Context, Found, Resource, State
from infra.settings import LOGS

_FAMILY = "redshift-2.0"
_PARAMETERS = {
    "require_ssl": "true",
    "enable_user_activity_logging": "true",  # without it the activity log stays empty
    "max_concurrency_scaling_clusters": "0",  # never add clusters that cost by the second
}
_PAUSED = {"paused": State.PAUSED, "deleting": State.LEAVING, "final-snapshot": State.LEAVING, "available": State.READY}
_FAILED = (
    "hardware-failure",
    "incompatible-hsm",
    "incompatible-network",
    "incompatible-parameters",
    "incompatible-restore",
    "storage-full",
)
# Pending changes that AWS applies soon. Others, such as a new version, may stay pending for a week.
_SEEN_TO = {"NodeType", "NumberOfNodes", "PubliclyAccessible", "EnhancedVpcRouting", "AutomatedSnapshotRetentionPeriod"}
_SIZE, _ROLES, _LOGS = "nodes", "roles", "audit log"


def subnet_ids(context: Context) -> list[str]:
    """The subnets of the stack, its own or those of infra.subnets."""
    named = context.settings.subnets
    return sorted(named or [context.id_of(f"subnet {number}") for number in (1, 2, 3)])


class RedshiftResource(Resource):
    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.name = self.settings.project

    @property
    def redshift(self) -> Any:
        return self.aws.client("redshift")


class SubnetGroup(RedshiftResource):
    kind = "subnet group"
    key = "subnet group"
    why = "The subnets, in several zones, where Redshift may place nodes"

    def wanted(self) -> dict[str, object]:
        return {"subnets": subnet_ids(self.context)}

    def find(self) -> Found | None:
        with ignoring("ClusterSubnetGroupNotFoundFault"):
            answer = self.redshift.describe_cluster_subnet_groups(ClusterSubnetGroupName=self.name)
            group = answer["ClusterSubnetGroups"][0]
            subnets = sorted(subnet["SubnetIdentifier"] for subnet in group["Subnets"])
            return Found(self.name, {"subnets": subnets}, tag_map(group.get("Tags")))
        return None

    def create(self) -> None:
        with ignoring("ClusterSubnetGroupAlreadyExists"):
            self.redshift.create_cluster_subnet_group(
                ClusterSubnetGroupName=self.name,
                Description=self.why,
                SubnetIds=subnet_ids(self.context),
                Tags=tag_list(self.tags),
            )

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        subnets = differences["subnets"]
        self.redshift.modify_cluster_subnet_group(ClusterSubnetGroupName=self.name, SubnetIds=subnets)

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("ClusterSubnetGroupNotFoundFault"):
            self.redshift.delete_cluster_subnet_group(ClusterSubnetGroupName=self.name)


class ParameterGroup(RedshiftResource):
    kind = "parameter group"
    key = "parameter group"
    why = "Requires TLS, logs statements, turns off concurrency scaling, which costs extra"

    def wanted(self) -> dict[str, object]:
        return dict(_PARAMETERS)

    def find(self) -> Found | None:
        with ignoring("ClusterParameterGroupNotFound"):
            answer = self.redshift.describe_cluster_parameter_groups(ParameterGroupName=self.name)
            group = answer["ParameterGroups"][0]
            pages = self.redshift.get_paginator("describe_cluster_parameters").paginate(ParameterGroupName=self.name)
            values = {one["ParameterName"]: one.get("ParameterValue") for page in pages for one in page["Parameters"]}
            return Found(self.name, {name: values.get(name) for name in _PARAMETERS}, tag_map(group.get("Tags")))
        return None

    def create(self) -> None:
        with ignoring("ClusterParameterGroupAlreadyExists"):
            self.redshift.create_cluster_parameter_group(
                ParameterGroupName=self.name,
                ParameterGroupFamily=_FAMILY,
                Description=self.why,
                Tags=tag_list(self.tags),
            )

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        values = [{"ParameterName": name, "ParameterValue": value} for name, value in differences.items()]
        self.redshift.modify_cluster_parameter_group(ParameterGroupName=self.name, Parameters=values)

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("ClusterParameterGroupNotFound"):
            self.redshift.delete_cluster_parameter_group(ParameterGroupName=self.name)


class Cluster(RedshiftResource):
    kind = "cluster"
    key = "cluster"
    holds_data = True
    fixed = frozenset({"database", "admin", "subnet group"})

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        settings = self.settings
        self.why = f"The warehouse: {settings.nodes} × {settings.node_type}, billed by the hour until paused"

    def cost(self) -> Cost:
        return cluster_cost(self.settings)

    def wanted(self) -> dict[str, object]:
        settings = self.settings
        wanted: dict[str, object] = {
            _SIZE: f"{settings.nodes} × {settings.node_type}",
            _ROLES: [self.context.id_of("copy role")],
            _LOGS: sorted(LOGS),
            "database": settings.database,
            "admin": settings.admin,
            "password": "managed",
            "subnet group": self.name,
            "ParameterGroup": self.name,
            "parameters": "in effect",
            "VpcSecurityGroupIds": [self.context.id_of("security group")],
            "Port": settings.port,
            "Encrypted": True,
            "PubliclyAccessible": settings.public,
            "EnhancedVpcRouting": True,
            "AllowVersionUpgrade": True,
            "AutomatedSnapshotRetentionPeriod": settings.snapshot_days,
            "MultiAZ": settings.multi_az,
        }
        if settings.kms_key:
            wanted["KmsKeyId"] = settings.kms_key
        return wanted

    def describe(self) -> dict[str, Any] | None:
        with ignoring("ClusterNotFound"):
            cluster: dict[str, Any] = self.redshift.describe_clusters(ClusterIdentifier=self.name)["Clusters"][0]
            return cluster
        return None

    def find(self) -> Found | None:
        cluster = self.describe()
        if cluster is None:
            return None
        status = cluster["ClusterStatus"]
        state = State.FAILED if status in _FAILED else _PAUSED.get(status, State.BUSY)
        if state is State.READY and cluster.get("PendingModifiedValues", {}).keys() & _SEEN_TO:
            state = State.BUSY
        attributes: dict[str, object] = {}
        if state in (State.READY, State.PAUSED):
            attributes = _attributes(cluster)
            attributes[_LOGS] = self._logs()
        return Found(self.name, attributes, tag_map(cluster.get("Tags")), state, status)

    def _logs(self) -> list[str]:
        logging = self.redshift.describe_logging_status(ClusterIdentifier=self.name)
        is_there = logging.get("LoggingEnabled") and logging.get("LogDestinationType") == "cloudwatch"
        return sorted(logging.get("LogExports", [])) if is_there else []

    def create(self) -> None:
        settings = self.settings
        several = {"ClusterType": "multi-node", "NumberOfNodes": settings.nodes}
        with ignoring("ClusterAlreadyExists"):
            self.redshift.create_cluster(
                ClusterIdentifier=self.name,
                NodeType=settings.node_type,
                **(several if settings.nodes > 1 else {"ClusterType": "single-node"}),
                DBName=settings.database,
                MasterUsername=settings.admin,
                ManageMasterPassword=True,
                ClusterSubnetGroupName=self.name,
                ClusterParameterGroupName=self.name,
                VpcSecurityGroupIds=[self.context.id_of("security group")],
                IamRoles=[self.context.id_of("copy role")],
                Port=settings.port,
                Encrypted=True,
                **(
                    {"KmsKeyId": settings.kms_key, "MasterPasswordSecretKmsKeyId": settings.kms_key}
                    if settings.kms_key
                    else {}
                ),
                PubliclyAccessible=settings.public,
                EnhancedVpcRouting=True,
                AllowVersionUpgrade=True,
                AutomatedSnapshotRetentionPeriod=settings.snapshot_days,
                MultiAZ=settings.multi_az,
                Tags=tag_list(self.tags),
            )

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        """Change one attribute at a time: Redshift is busy after each, and some cannot be sent together."""
        client, whose = self.redshift, {"ClusterIdentifier": self.name}
        name, value = next(
            (name, value) for name, value in differences.items() if name != "parameters" or len(differences) == 1
        )
        match name:
            case "nodes":
                self.resize()
            case "roles":
                gone = [role for role in found.attributes[_ROLES] if role not in value]
                client.modify_cluster_iam_roles(**whose, AddIamRoles=value, RemoveIamRoles=gone)
            case "audit log":
                client.enable_logging(**whose, LogDestinationType="cloudwatch", LogExports=value)
            case "password":
                client.modify_cluster(**whose, ManageMasterPassword=True)
            case "ParameterGroup":
                client.modify_cluster(**whose, ClusterParameterGroupName=value)
            case "parameters":
                client.reboot_cluster(**whose)
            case _:
                client.modify_cluster(**whose, **{name: value})

    def resize(self) -> None:
        """Start an elastic resize, which takes minutes. Queries wait meanwhile; the data stays."""
        settings = self.settings
        self.redshift.resize_cluster(
            ClusterIdentifier=self.name,
            ClusterType="multi-node" if settings.nodes > 1 else "single-node",
            NodeType=settings.node_type,
            NumberOfNodes=settings.nodes,
            Classic=False,
        )

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        last: dict[str, Any] = {"SkipFinalClusterSnapshot": True}
        if snapshot:
            last = {
                "SkipFinalClusterSnapshot": False,
                "FinalClusterSnapshotIdentifier": snapshot,
                "FinalClusterSnapshotRetentionPeriod": self.settings.final_snapshot_days,
            }
        with ignoring("ClusterNotFound"):
            self.redshift.delete_cluster(ClusterIdentifier=self.name, **last)

    def tag_snapshot(self, snapshot: str) -> None:
        arn = self.aws.arn("redshift", f"snapshot:{self.name}/{snapshot}")
        with ignoring("ResourceNotFoundFault"):
            self.redshift.create_tags(ResourceName=arn, Tags=tag_list(self.tags))


def _attributes(cluster: Mapping[str, Any]) -> dict[str, object]:
    groups = cluster.get("ClusterParameterGroups", [])
    waiting = [group for group in groups if group.get("ParameterApplyStatus") not in ("in-sync", "applying", None)]
    same = ("Encrypted", "PubliclyAccessible", "EnhancedVpcRouting", "AllowVersionUpgrade", "KmsKeyId")
    return {
        **{name: cluster.get(name) for name in same},
        _SIZE: f"{cluster['NumberOfNodes']} × {cluster['NodeType']}",
        _ROLES: sorted(role["IamRoleArn"] for role in cluster.get("IamRoles", [])),
        "database": cluster.get("DBName"),
        "admin": cluster.get("MasterUsername"),
        "password": "managed" if cluster.get("MasterPasswordSecretArn") else "set by hand",
        "subnet group": cluster.get("ClusterSubnetGroupName"),
        "ParameterGroup": groups[0]["ParameterGroupName"] if groups else None,
        "parameters": "in effect" if not waiting else "waiting for a reboot",
        "VpcSecurityGroupIds": sorted(group["VpcSecurityGroupId"] for group in cluster.get("VpcSecurityGroups", [])),
        "Port": cluster.get("Endpoint", {}).get("Port"),
        "AutomatedSnapshotRetentionPeriod": cluster.get("AutomatedSnapshotRetentionPeriod"),
        "MultiAZ": str(cluster.get("MultiAZ", "")).lower() in ("enabled", "true"),
    }
