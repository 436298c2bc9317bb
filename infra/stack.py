"""The list of the stack's resources and their order: the only place that knows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from infra.aws import Aws, Clock
from infra.cluster import Cluster, ParameterGroup, SubnetGroup
from infra.errors import InfraUsageError
from infra.grant import Grant
from infra.iam import copy_role
from infra.logs import LogGroup
from infra.network import network, use_existing_subnets
from infra.resource import Context, Resource
from infra.schedule import time_to_live
from infra.serverless import Namespace, UsageLimit, Workgroup
from infra.settings import LOGS, InfraSettings
from infra.storage import Bucket


def offline_context(settings: InfraSettings, clock: Clock) -> Context:
    zones = tuple(f"{settings.region}{letter}" for letter in "abc")
    return Context(settings, None, clock, zones)


def online_context(settings: InfraSettings, aws: Aws, clock: Clock) -> Context:
    """A context whose settings were checked against what the region offers.

    Raises:
        InfraUsageError: the region lacks the node type or enough zones, or infra.subnets cannot be used.
    """
    context = Context(settings, aws, clock, _zones(settings, aws))
    if settings.subnets:
        use_existing_subnets(context)
    return context


def stack(context: Context) -> list[Resource]:
    """All wanted resources in the order of creation; they are deleted in reverse."""
    bucket = Bucket(context)
    return [
        bucket,
        copy_role(context, bucket.name),
        *network(context),
        *_warehouse(context),
        *([Grant(context)] if context.settings.is_serverless else []),
        *time_to_live(context),
    ]


def everything(context: Context) -> list[Resource]:
    """Every resource that any settings of this project could have created in this region, in the same order."""
    settings = context.settings
    ttl = settings.ttl or timedelta(hours=1)
    own = replace(settings, subnets=(), public=True, ttl=ttl)
    both = [replace(context, settings=replace(own, mode=mode)) for mode in ("provisioned", "serverless")]
    bucket = Bucket(context)
    listed = [
        bucket,
        copy_role(context, bucket.name),
        *network(both[0]),
        *(resource for one in both for resource in _warehouse(one)),
        *(resource for one in both for resource in time_to_live(one)),
    ]
    return list({resource.key: resource for resource in listed}.values())


def unwanted(context: Context) -> list[Resource]:
    """Resources that other settings would create and these do not: deleted if they exist."""
    wanted = {resource.key for resource in stack(context)}
    # The stack's own network stays when subnets are named: the warehouse in it cannot move out.
    stays = {resource.key for resource in network(replace(context, settings=replace(context.settings, subnets=())))}
    return [one for one in everything(context) if one.key not in wanted | stays]


def _warehouse(context: Context) -> list[Resource]:
    if context.settings.is_serverless:
        return [Namespace(context), Workgroup(context), UsageLimit(context)]
    logs = [LogGroup(context, log) for log in LOGS]
    return [*logs, SubnetGroup(context), ParameterGroup(context), Cluster(context)]


def _zones(settings: InfraSettings, aws: Aws) -> tuple[str, ...]:
    """Three zones of the region that offer this warehouse."""
    filters = [{"Name": "opt-in-status", "Values": ["opt-in-not-required"]}]
    answer = aws.client("ec2").describe_availability_zones(Filters=filters)["AvailabilityZones"]
    zones = {zone["ZoneName"] for zone in answer if zone["State"] == "available"}
    if not settings.is_serverless:
        zones &= _zones_with_nodes(settings, aws)
    if len(zones) < 3 and not settings.subnets:
        raise InfraUsageError(
            f"infra.region: {settings.region} offers this warehouse in {len(zones)} zones, but it needs three. "
            "Choose another region, or name existing subnets in infra.subnets."
        )
    return tuple(sorted(zones)[:3])


def _zones_with_nodes(settings: InfraSettings, aws: Aws) -> set[str]:
    pages = aws.client("redshift").get_paginator("describe_orderable_cluster_options").paginate()
    options = [option for page in pages for option in page["OrderableClusterOptions"]]
    of_type = [option for option in options if option["NodeType"] == settings.node_type]
    if not of_type:
        offered = ", ".join(sorted({option["NodeType"] for option in options}))
        raise InfraUsageError(
            f"infra.node_type: {settings.region} does not offer {settings.node_type}. "
            f"Choose one of: {offered or 'none'}."
        )
    wanted = "multi-node" if settings.nodes > 1 else "single-node"
    if not [option for option in of_type if option["ClusterType"] == wanted]:
        raise InfraUsageError(
            f"infra.nodes: {settings.region} does not offer {settings.node_type} as {wanted}. "
            "Choose another infra.nodes or infra.node_type."
        )
    return {zone["Name"] for option in of_type for zone in option["AvailabilityZones"]}
