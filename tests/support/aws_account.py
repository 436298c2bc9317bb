"""An account's things and what holds for all of them: what AWS would refuse and moto lets through."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from infra.aws import Clock

REGION = "us-west-2"


class RefusedError(Exception):
    def __init__(self, code: str, text: str = "refused") -> None:
        super().__init__(text)
        self.code = code


class FastClock(Clock):
    """A clock that is put forward by waiting."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Thing:
    """A cluster, namespace or workgroup: what it is, and the states that are still before it."""

    record: dict[str, Any]
    tags: list[dict[str, str]]
    ahead: list[str] = field(default_factory=list)


@dataclass
class Records:
    """What there is in the account besides what moto keeps. looks is how many looks a transition takes."""

    looks: int = 2
    clock: FastClock = field(default_factory=FastClock)
    clusters: dict[str, Thing] = field(default_factory=dict)
    subnet_groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameter_groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    namespaces: dict[str, Thing] = field(default_factory=dict)
    workgroups: dict[str, Thing] = field(default_factory=dict)
    usage_limits: dict[str, dict[str, Any]] = field(default_factory=dict)
    snapshots: list[str] = field(default_factory=list)
    snapshot_tags: dict[str, dict[str, str]] = field(default_factory=dict)
    statements: dict[str, tuple[list[str], str]] = field(default_factory=dict)
    node_types: tuple[str, ...] = ("rg.large", "rg.xlarge", "ra3.large", "ra3.xlplus", "ra3.4xlarge")
    roles_heard_of: set[str] = field(default_factory=set)
    numbers: int = 0

    # EC2, IAM and the scheduler: what moto lets through and AWS would not

    def ec2_DeleteSecurityGroup(self, request: dict[str, Any]) -> None:
        self._not_in_use(request["GroupId"])

    def ec2_DeleteSubnet(self, request: dict[str, Any]) -> None:
        self._not_in_use(request["SubnetId"])

    def _not_in_use(self, name: str) -> None:
        used = [thing.record["in use"] for thing in (*self.clusters.values(), *self.workgroups.values())]
        if any(name in names for names in used):
            raise RefusedError("DependencyViolation", f"{name} has a dependent object")

    def scheduler_CreateSchedule(self, request: dict[str, Any]) -> None:
        self._check_role(request["Target"]["RoleArn"], "scheduler.amazonaws.com")
        if request["Target"]["RoleArn"] not in self.roles_heard_of:
            self.roles_heard_of.add(request["Target"]["RoleArn"])
            text = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
            raise RefusedError("ValidationException", text)
        if not re.fullmatch(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)", request["ScheduleExpression"]):
            raise RefusedError("ValidationException", "Invalid Schedule Expression")

    def _check_role(self, arn: str, service: str) -> None:
        roles = {role.arn: role for role in iam_backends[ACCOUNT]["aws"].roles.values()}
        if arn not in roles or service not in roles[arn].assume_role_policy_document:
            raise RefusedError("InvalidParameterValue", f"{arn} cannot be assumed")

    def _subnets(self, names: list[str], zones: int) -> list[str]:
        backend = ec2_backends[ACCOUNT][REGION]
        there = {subnet.id: subnet for by_zone in backend.subnets.values() for subnet in by_zone.values()}
        if unknown := set(names) - set(there):
            raise RefusedError("InvalidSubnet", f"no {unknown}")
        if len({there[name].availability_zone for name in names}) < zones:
            raise RefusedError("ValidationException", f"{zones} zones are needed")
        return sorted(names)

    def _check_way_out(self) -> None:
        if not any(one.vpc for one in ec2_backends[ACCOUNT][REGION].internet_gateways.values()):
            raise RefusedError("InvalidVPCNetworkStateFault", "the VPC has no internet gateway")

    def _check_groups(self, names: list[str]) -> None:
        groups = ec2_backends[ACCOUNT][REGION].groups
        if unknown := set(names) - {name for by_vpc in groups.values() for name in by_vpc}:
            raise RefusedError("InvalidParameterValue", f"no security group {unknown}")

    def _keep_snapshot(self, name: str, days: int) -> None:
        if not re.fullmatch(r"[a-z](?:-?[a-z0-9])*", name) or not (days == -1 or 1 <= days <= 3653):
            raise RefusedError("InvalidParameterValue", name)
        if name in self.snapshots:
            raise RefusedError("ClusterSnapshotAlreadyExists", name)
        self.snapshots.append(name)

    def _next(self) -> int:
        self.numbers += 1
        return self.numbers


def named(name: str) -> str:
    if not re.fullmatch(r"[a-z](?:-?[a-z0-9])*", name) or len(name) > 63:
        raise RefusedError("InvalidParameterValue", f"name {name}")
    return name
