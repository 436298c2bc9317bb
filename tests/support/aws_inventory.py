"""Everything that there is in an account, by no code of the project's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from aws_account import ACCOUNT, REGION, Records
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.scheduler.models import scheduler_backends


def inventory(records: Records) -> list[str]:
    """A line for each thing in the account, ids replaced by what they name."""
    network = list(_network())
    names = {name: tags.get("Name", "?") for _, name, tags, _ in network}
    lines = [f"{kind}: {tags} {_plain(what, names)}" for kind, _, tags, what in network]
    others = (*_storage(), *_roles(), *_logs(), *_schedules(), *_warehouses(records))
    lines += [f"{kind}: {_plain(what, names)}" for kind, what in others]
    return sorted(re.sub(r"(limit-|[nw]-|namespace/|workgroup/)\d+", r"\1N", line) for line in lines)


def _network() -> Iterator[tuple[str, str, dict[str, str], Any]]:
    """Kind, id, tags and properties of what is not of the default VPC, which each region has."""
    ec2 = ec2_backends[ACCOUNT][REGION]
    default = {vpc.id for vpc in ec2.vpcs.values() if vpc.is_default in ("true", True)}

    def tags(name: str) -> dict[str, str]:
        return {tag["key"]: tag["value"] for tag in ec2.describe_tags(filters={"resource-id": [name]})}

    for vpc in ec2.vpcs.values():
        if vpc.id not in default:
            yield "vpc", vpc.id, tags(vpc.id), [vpc.cidr_block, str(vpc.enable_dns_hostnames).lower()]
    for subnet in (one for by_zone in ec2.subnets.values() for one in by_zone.values()):
        if subnet.vpc_id not in default:
            what = [subnet.cidr_block, subnet.availability_zone, subnet.vpc_id]
            yield "subnet", subnet.id, tags(subnet.id), what
    for gateway in ec2.internet_gateways.values():
        yield "gateway", gateway.id, tags(gateway.id), gateway.vpc.id if gateway.vpc else None
    for table in ec2.route_tables.values():
        if table.vpc_id not in default and not table.main_association_id:
            subnets = [one["SubnetId"] for one in table.associations if "SubnetId" in one]
            routes = [
                f"{route.destination_cidr_block} {route.gateway.id if route.gateway else ''}"
                for route in table.routes
                if route.destination_cidr_block
            ]
            yield "route table", table.id, tags(table.id), [subnets, routes]
    for endpoint in ec2.vpc_end_points.values():
        if endpoint.state != "deleted":
            yield "endpoint", endpoint.id, tags(endpoint.id), [endpoint.service_name, endpoint.route_table_ids]
    for group in (one for by_vpc in ec2.groups.values() for one in by_vpc.values()):
        if group.name != "default":
            rules = [
                f"{rule.ip_protocol} {rule.from_port}-{rule.to_port} "
                f"{(rule.ip_range or {}).get('CidrIp')} {(rule.source_group or {}).get('GroupId')}"
                for rule in group.ingress_rules
            ]
            yield "security group", group.id, tags(group.id), rules


def _storage() -> Iterator[tuple[str, Any]]:
    backend = s3_backends[ACCOUNT]["aws"]
    for bucket in backend.buckets.values():
        policy = json.loads(bucket.policy) if bucket.policy else None
        private = vars(bucket.public_access_block) if bucket.public_access_block else None
        tags = backend.tagger.get_tag_dict_for_resource(bucket.arn)
        what = [tags, bucket.versioning_status, policy, private, bucket.encryption, len(bucket.rules)]
        yield f"bucket {bucket.name}", what


def _roles() -> Iterator[tuple[str, Any]]:
    for role in iam_backends[ACCOUNT]["aws"].roles.values():
        if not role.path.startswith("/aws-service-role/"):
            yield f"role {role.path}{role.name}", [role.assume_role_policy_document, role.policies, str(role.tags)]


def _logs() -> Iterator[tuple[str, Any]]:
    backend = logs_backends[ACCOUNT][REGION]
    for group in backend.groups.values():
        yield f"log group {group.name}", [group.retention_in_days, backend.list_tags_for_resource(group.arn)]


def _schedules() -> Iterator[tuple[str, Any]]:
    for group in scheduler_backends[ACCOUNT][REGION].schedule_groups.values():
        if group.name != "default":
            yield "schedule group", group.name
        for schedule in group.schedules.values():
            yield f"schedule {schedule.name}", [schedule.target["Arn"], schedule.target["RoleArn"]]


def _warehouses(records: Records) -> Iterator[tuple[str, Any]]:
    for kind in ("clusters", "namespaces", "workgroups"):
        for name, thing in getattr(records, kind).items():
            timeless = {key: value for key, value in thing.record.items() if "reat" not in key}
            yield f"{kind} {name}", [timeless, thing.tags, thing.ahead]
    for kind in ("subnet_groups", "parameter_groups", "usage_limits"):
        for one in getattr(records, kind).values():
            yield kind, one


def _plain(value: Any, names: dict[str, str]) -> Any:
    """The same with what ids name in their place, and lists of names in order."""
    if isinstance(value, dict):
        return {key: _plain(item, names) for key, item in value.items()}
    if isinstance(value, list):
        items = [_plain(item, names) for item in value]
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    if isinstance(value, str):
        for name, meaning in names.items():
            value = value.replace(name, meaning)
    return value
