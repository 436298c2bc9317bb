"""Operate an existing stack: show its status, pause, resume and resize it, find its resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from infra.apply import Report, wait_until_ready
from infra.aws import PROJECT_TAG, tag_map
from infra.cluster import Cluster
from infra.connection import Connection, connection
from infra.errors import InfraError, InfraUsageError
from infra.plan import Action, Plan, Step, make_plan
from infra.prices import NODE_HOUR
from infra.resource import Context, Found, State
from infra.serverless import Workgroup
from infra.settings import NODE_COUNTS

_SIZES = {"baseCapacity", "maxCapacity"}


@dataclass(frozen=True)
class Status:
    """The state of the stack. spent is an upper bound of the cluster's cost so far: pauses are not subtracted."""

    plan: Plan
    state: str
    connection: Connection | None
    since: datetime | None
    spent: Decimal | None
    ends: str

    @property
    def not_as_planned(self) -> list[Step]:
        return [step for step in self.plan.steps if step.action is not Action.KEEP]


@dataclass(frozen=True)
class Remains:
    """A resource with the project's tag, and whether the plan contains it."""

    what: str
    arn: str
    is_planned: bool


def look(context: Context) -> Status:
    plan = make_plan(context)
    settings = context.settings
    place = Workgroup(context) if settings.is_serverless else Cluster(context)
    there = place.describe()
    if there is None:
        return Status(plan, "not created", None, None, None, _end(plan))
    state = str(there.get("status") or there.get("ClusterStatus")).lower()
    since = there.get("creationDate") or there.get("ClusterCreateTime")
    has_address = (there.get("endpoint") or there.get("Endpoint") or {}).keys() & {"address", "Address"}
    spent = None if settings.is_serverless or since is None else _spent(context, there, since)
    return Status(plan, state, connection(context) if has_address else None, since, spent, _end(plan))


def _spent(context: Context, cluster: dict[str, Any], since: datetime) -> Decimal | None:
    price = NODE_HOUR.get(cluster["NodeType"])
    hours = Decimal((context.clock.now() - since).total_seconds()) / 3600
    return None if price is None else price * cluster["NumberOfNodes"] * max(hours, Decimal(0))


def _end(plan: Plan) -> str:
    """When the time to live ends the stack; empty if never."""
    ends = [step.found.detail for step in plan.steps if step.resource.kind == "schedule" and step.found]
    return min(ends, default="").removeprefix("at(").removesuffix(")").replace("T", " ")


def pause(context: Context, report: Report) -> None:
    """Pause the cluster: it takes a snapshot, and then only storage is charged."""
    cluster, found = _cluster(context)
    if found.state is State.PAUSED:
        raise InfraError("The cluster is already paused. Run `./inv infra.resume` to resume it.")
    if found.detail != "pausing":
        wait_until_ready(cluster, report)
        cluster.redshift.pause_cluster(ClusterIdentifier=cluster.name)
    wait_until_ready(cluster, report)


def resume(context: Context, report: Report) -> None:
    """Resume a paused cluster, which takes some minutes."""
    cluster, found = _cluster(context)
    if found.state is State.READY:
        raise InfraError("The cluster is already running. Run `./inv infra.status` to see its state.")
    if found.detail != "resuming":
        found = wait_until_ready(cluster, report)
    if found.state is State.PAUSED:
        cluster.redshift.resume_cluster(ClusterIdentifier=cluster.name)
    wait_until_ready(cluster, report)


def resize(context: Context, report: Report) -> None:
    """Resize the cluster or the workgroup to the settings."""
    settings = context.settings
    if settings.is_serverless:
        workgroup = Workgroup(context)
        found = _ours(context, workgroup.find(), "workgroup")
        if not workgroup.differences(found).keys() & _SIZES:
            raise InfraError(f"The workgroup already has {settings.base_capacity} to {settings.max_capacity} RPU.")
        while sizes := {name: value for name, value in workgroup.differences(found).items() if name in _SIZES}:
            workgroup.change(found, sizes)
            found = wait_until_ready(workgroup, report)
        return
    cluster, found = _cluster(context)
    if found.attributes.get("nodes") == cluster.wanted()["nodes"]:
        raise InfraError(f"The cluster already has {cluster.wanted()['nodes']}.")
    if found.state is State.PAUSED:
        raise InfraError("A paused cluster cannot be resized. Run `./inv infra.resume` first.")
    wait_until_ready(cluster, report)
    cluster.resize()
    wait_until_ready(cluster, report)


def _cluster(context: Context) -> tuple[Cluster, Found]:
    if context.settings.is_serverless:
        raise InfraUsageError("Serverless needs no pause or resume: while idle it costs only its storage.")
    cluster = Cluster(context)
    return cluster, _ours(context, cluster.find(), "cluster")


def _ours(context: Context, found: Found | None, kind: str) -> Found:
    if found is None or not found.belongs_to(context.settings.project):
        raise InfraError(
            f"There is no {kind} {context.settings.project} in {context.settings.region}. "
            "Run `./inv infra.up` to create it."
        )
    return found


def with_size(settings: Any, *, nodes: str, node_type: str, base_capacity: str, max_capacity: str) -> None:
    """Refuse a resize without a size, or with one for the other mode."""
    if settings.is_serverless and (nodes or node_type):
        raise InfraUsageError("Serverless has no nodes. Pass --base-capacity or --max-capacity.")
    if not settings.is_serverless and (base_capacity or max_capacity):
        raise InfraUsageError("A cluster has no capacity in RPU. Pass --nodes or --node-type.")
    if not (nodes or node_type or base_capacity or max_capacity):
        types = ", ".join(NODE_COUNTS)
        raise InfraUsageError(
            f"The new size is missing. Pass --nodes or --node-type ({types}), or for Serverless --base-capacity "
            "or --max-capacity."
        )


def find_tagged(context: Context) -> list[Remains]:
    """All resources in the region with the project's tag, and the roles. is_planned marks what infra.up would keep."""
    project = context.settings.project
    planned = {step.found.id for step in make_plan(context).steps if step.found and step.action is not Action.FOREIGN}
    tagging = context.online.client("resourcegroupstaggingapi")
    pages = tagging.get_paginator("get_resources").paginate(TagFilters=[{"Key": PROJECT_TAG, "Values": [project]}])
    arns = {item["ResourceARN"] for page in pages for item in page["ResourceTagMappingList"]}
    arns |= {role["Arn"] for role in _roles(context)} | set(_snapshots(context))
    return [
        Remains(
            _kind(arn), arn, any(name and (arn == name or arn.endswith((f"/{name}", f":{name}"))) for name in planned)
        )
        for arn in sorted(arns)
    ]


def _roles(context: Context) -> Iterator[dict[str, Any]]:
    """Roles by their path: the tag search leaves them out."""
    pages = context.online.client("iam").get_paginator("list_roles").paginate(PathPrefix=context.settings.roles_path)
    for page in pages:
        yield from (role for role in page["Roles"] if role["RoleName"].endswith(f"-{context.settings.region}"))


def _snapshots(context: Context) -> Iterator[str]:
    """Snapshots of the project's warehouses; they outlive it and cost storage."""
    project = context.settings.project
    manual = {"ClusterIdentifier": project, "SnapshotType": "manual"}
    for page in context.online.client("redshift").get_paginator("describe_cluster_snapshots").paginate(**manual):
        for snapshot in page["Snapshots"]:
            if tag_map(snapshot.get("Tags")).get(PROJECT_TAG, project) == project:
                yield context.online.arn("redshift", f"snapshot:{project}/{snapshot['SnapshotIdentifier']}")
    serverless = context.online.client("redshift-serverless").get_paginator("list_snapshots")
    for page in serverless.paginate(namespaceName=project):
        for snapshot in page["snapshots"]:
            yield snapshot["snapshotArn"]


def _kind(arn: str) -> str:
    service, resource = arn.split(":")[2], arn.split(":", 5)[5]
    return f"{service} {resource.replace(':', '/').split('/')[0]}" if service != "s3" else "s3 bucket"
