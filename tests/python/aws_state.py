"""An AWS in this process: moto for what it has, and a Redshift that moves through its states, refuses and fails.

moto takes any cluster and has it at once, and has no Serverless. Here both are made of what the service says of itself:
requests are validated by botocore's model before they come here, answers are held against it on their way out, what
the service would refuse is refused, and a transition takes as many looks as it is told to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import botocore.handlers
from botocore.exceptions import ReadTimeoutError
from botocore.validate import ParamValidator
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.moto_api._internal import moto_api_backend
from moto.s3.models import s3_backends
from moto.scheduler.models import scheduler_backends

from infra.aws import Clock

REGION = "us-west-2"
_KEPT = object()


class Refusal(Exception):
    def __init__(self, code: str, text: str = "refused") -> None:
        super().__init__(text)
        self.code = code


class Killed(BaseException):
    """The process is gone in the middle of a call; nothing of ours catches it."""


class FastClock(Clock):
    """A clock that is put forward by waiting."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Fault:
    """What happens to one call, counted from 0: refused before it is done, or done and its answer lost."""

    at: int
    kind: str  # error, throttle, timeout, kill


@dataclass
class Thing:
    """A cluster, namespace or workgroup: what it is, and the states that are still before it."""

    record: dict[str, Any]
    tags: list[dict[str, str]]
    ahead: list[str] = field(default_factory=list)


@dataclass
class _Answer:
    status_code: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class AwsState:
    """The account. looks is how many looks a transition takes; deny names calls that lack a permission."""

    looks: int = 2
    fault: Fault | None = None
    deny: dict[str, str] = field(default_factory=dict)
    clock: FastClock = field(default_factory=FastClock)
    calls: list[tuple[str, str]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    clusters: dict[str, Thing] = field(default_factory=dict)
    subnet_groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameter_groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    namespaces: dict[str, Thing] = field(default_factory=dict)
    workgroups: dict[str, Thing] = field(default_factory=dict)
    usage_limits: dict[str, dict[str, Any]] = field(default_factory=dict)
    snapshots: list[str] = field(default_factory=list)
    node_types: tuple[str, ...] = ("rg.large", "rg.xlarge", "ra3.large", "ra3.xlplus", "ra3.4xlarge")
    roles_heard_of: set[str] = field(default_factory=set)
    numbers: int = 0

    def reset(self, **options: Any) -> None:
        """Begin with an empty account again; clients that are there stay."""
        moto_api_backend.reset()
        self.__init__(**options)  # type: ignore[misc]

    # What botocore calls

    def keep_parameters(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_KEPT] = dict(params)

    def before_call(self, model: Any, context: dict[str, Any], **_: Any) -> tuple[_Answer, dict[str, Any]] | None:
        service, name = model.service_model.service_name, model.name
        number = len(self.calls)
        self.calls.append((service, name))
        request = context.get(_KEPT, {})
        self.requests.append((f"{service}:{name}", request))
        context["number"] = number
        if self.fault and self.fault.at == number:
            if self.fault.kind == "error":
                return _refused(Refusal("InternalFailure", "it broke"), 500)
            if self.fault.kind == "throttle":
                return _refused(Refusal("Throttling", "Rate exceeded"), 400)
        if f"{service}:{name}" in self.deny:
            return _refused(Refusal("AccessDenied", self.deny[f"{service}:{name}"]), 403)
        handler = getattr(self, f"{service.replace('-', '_')}_{name}", None)
        try:
            if handler is None:
                if service in ("redshift", "redshift-serverless"):
                    raise AssertionError(f"the tests' Redshift lacks {name}")
                return None
            answer = handler(request)
        except Refusal as refusal:
            return _refused(refusal, 400)
        if answer is None:  # moto's to do
            return None
        if model.output_shape is not None:
            errors = ParamValidator().validate(answer, model.output_shape)
            assert not errors.has_errors(), errors.generate_report()
        return _Answer(200), {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}

    def after_call(self, model: Any, context: dict[str, Any], parsed: dict[str, Any], **_: Any) -> None:
        service, name = model.service_model.service_name, model.name
        if (service, name) == ("s3", "CreateBucket") and "Error" not in parsed:
            # moto does not read the tags that a bucket is made with
            request = context[_KEPT]
            tags = request["CreateBucketConfiguration"]["Tags"]
            s3_backends[ACCOUNT]["aws"].put_bucket_tagging(request["Bucket"], {tag["Key"]: tag["Value"] for tag in tags})
        if (service, name) == ("resourcegroupstaggingapi", "GetResources"):
            [wanted] = context[_KEPT]["TagFilters"]
            parsed["ResourceTagMappingList"] += self._tagged(wanted["Key"], wanted["Values"])
        if self.fault and self.fault.at == context["number"]:
            if self.fault.kind == "timeout":
                raise ReadTimeoutError(endpoint_url=service)
            if self.fault.kind == "kill":
                raise Killed

    def _tagged(self, key: str, values: list[str]) -> list[dict[str, Any]]:
        arns = [(self._arn(f"cluster:{name}"), thing.tags) for name, thing in self.clusters.items()]
        arns += [(self._arn(f"subnetgroup:{name}"), one["Tags"]) for name, one in self.subnet_groups.items()]
        arns += [(self._arn(f"parametergroup:{name}"), one["Tags"]) for name, one in self.parameter_groups.items()]
        arns += [(thing.record["namespaceArn"], thing.tags) for thing in self.namespaces.values()]
        arns += [(thing.record["workgroupArn"], thing.tags) for thing in self.workgroups.values()]
        return [
            {"ResourceARN": arn, "Tags": []}
            for arn, tags in arns
            if any((tag.get("Key") or tag.get("key"), tag.get("Value") or tag.get("value")) in [(key, v) for v in values] for tag in tags)
        ]

    # EC2, IAM and the scheduler: what moto lets through and AWS would not

    def ec2_DeleteSecurityGroup(self, request: dict[str, Any]) -> None:  # noqa: N802
        self._not_in_use(request["GroupId"])

    def ec2_DeleteSubnet(self, request: dict[str, Any]) -> None:  # noqa: N802
        self._not_in_use(request["SubnetId"])

    def _not_in_use(self, name: str) -> None:
        used = [thing.record["in use"] for thing in (*self.clusters.values(), *self.workgroups.values())]
        if any(name in names for names in used):
            raise Refusal("DependencyViolation", f"{name} has a dependent object")

    def scheduler_CreateSchedule(self, request: dict[str, Any]) -> None:  # noqa: N802
        self._check_role(request["Target"]["RoleArn"], "scheduler.amazonaws.com")
        if request["Target"]["RoleArn"] not in self.roles_heard_of:
            self.roles_heard_of.add(request["Target"]["RoleArn"])
            text = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
            raise Refusal("ValidationException", text)
        if not re.fullmatch(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)", request["ScheduleExpression"]):
            raise Refusal("ValidationException", "Invalid Schedule Expression")

    def _check_role(self, arn: str, service: str) -> None:
        roles = {role.arn: role for role in iam_backends[ACCOUNT]["aws"].roles.values()}
        if arn not in roles or service not in roles[arn].assume_role_policy_document:
            raise Refusal("InvalidParameterValue", f"{arn} cannot be assumed")

    # Redshift

    def redshift_DescribeOrderableClusterOptions(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        zones = [{"Name": f"{REGION}{letter}"} for letter in "abcd"]
        return {
            "OrderableClusterOptions": [
                {"NodeType": name, "ClusterType": kind, "AvailabilityZones": zones}
                for name in self.node_types
                for kind in ("single-node", "multi-node")
            ]
        }

    def redshift_CreateClusterSubnetGroup(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = _named(request["ClusterSubnetGroupName"])
        if name in self.subnet_groups:
            raise Refusal("ClusterSubnetGroupAlreadyExists")
        self.subnet_groups[name] = {**request, "SubnetIds": self._subnets(request["SubnetIds"], 1)}
        return {}

    def redshift_ModifyClusterSubnetGroup(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        group = self._subnet_group(request["ClusterSubnetGroupName"])
        group["SubnetIds"] = self._subnets(request["SubnetIds"], 1)
        return {}

    def redshift_DescribeClusterSubnetGroups(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        group = self._subnet_group(request["ClusterSubnetGroupName"])
        subnets = [{"SubnetIdentifier": name} for name in group["SubnetIds"]]
        return {"ClusterSubnetGroups": [{"Subnets": subnets, "Tags": group["Tags"]}]}

    def redshift_DeleteClusterSubnetGroup(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = request["ClusterSubnetGroupName"]
        self._subnet_group(name)
        if any(thing.record["ClusterSubnetGroupName"] == name for thing in self.clusters.values()):
            raise Refusal("InvalidClusterSubnetGroupStateFault", "in use")
        del self.subnet_groups[name]
        return {}

    def _subnet_group(self, name: str) -> dict[str, Any]:
        if name not in self.subnet_groups:
            raise Refusal("ClusterSubnetGroupNotFoundFault")
        return self.subnet_groups[name]

    def _subnets(self, names: list[str], zones: int) -> list[str]:
        backend = ec2_backends[ACCOUNT][REGION]
        there = {subnet.id: subnet for by_zone in backend.subnets.values() for subnet in by_zone.values()}
        if unknown := set(names) - set(there):
            raise Refusal("InvalidSubnet", f"no {unknown}")
        if len({there[name].availability_zone for name in names}) < zones:
            raise Refusal("ValidationException", f"{zones} zones are needed")
        return sorted(names)

    def redshift_CreateClusterParameterGroup(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = _named(request["ParameterGroupName"])
        if name in self.parameter_groups:
            raise Refusal("ClusterParameterGroupAlreadyExists")
        defaults = {"require_ssl": "false", "enable_user_activity_logging": "false", "max_concurrency_scaling_clusters": "1"}
        self.parameter_groups[name] = {**request, "values": {**defaults, "statement_timeout": "0"}}
        return {}

    def redshift_DescribeClusterParameterGroups(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        group = self._parameter_group(request["ParameterGroupName"])
        return {"ParameterGroups": [{"ParameterGroupName": request["ParameterGroupName"], "Tags": group["Tags"]}]}

    def redshift_DescribeClusterParameters(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        values = self._parameter_group(request["ParameterGroupName"])["values"]
        return {"Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in values.items()]}

    def redshift_ModifyClusterParameterGroup(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        group = self._parameter_group(request["ParameterGroupName"])
        for one in request["Parameters"]:
            if one["ParameterName"] not in group["values"]:
                raise Refusal("InvalidParameterValue", one["ParameterName"])
            group["values"][one["ParameterName"]] = one["ParameterValue"]
        for thing in self.clusters.values():
            [used] = thing.record["ClusterParameterGroups"]
            if used["ParameterGroupName"] == request["ParameterGroupName"]:
                used["ParameterApplyStatus"] = "pending-reboot"
        return {}

    def redshift_DeleteClusterParameterGroup(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = request["ParameterGroupName"]
        self._parameter_group(name)
        for thing in self.clusters.values():
            if thing.record["ClusterParameterGroups"][0]["ParameterGroupName"] == name:
                raise Refusal("InvalidClusterParameterGroupState", "in use")
        del self.parameter_groups[name]
        return {}

    def _parameter_group(self, name: str) -> dict[str, Any]:
        if name not in self.parameter_groups:
            raise Refusal("ClusterParameterGroupNotFound")
        return self.parameter_groups[name]

    def redshift_CreateCluster(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = _named(request["ClusterIdentifier"])
        if name in self.clusters:
            raise Refusal("ClusterAlreadyExists", name)
        self._check_cluster(request)
        group = self._subnet_group(request["ClusterSubnetGroupName"])
        self._parameter_group(request["ClusterParameterGroupName"])
        record = {
            "ClusterIdentifier": name,
            "NodeType": request["NodeType"],
            "NumberOfNodes": request.get("NumberOfNodes", 1),
            "MasterUsername": request["MasterUsername"],
            "DBName": request["DBName"],
            "MasterPasswordSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:redshift!{name}",
            "ClusterCreateTime": self.clock.now(),
            "ClusterSubnetGroupName": request["ClusterSubnetGroupName"],
            "ClusterParameterGroups": [
                {"ParameterGroupName": request["ClusterParameterGroupName"], "ParameterApplyStatus": "in-sync"}
            ],
            "VpcSecurityGroups": [{"VpcSecurityGroupId": one, "Status": "active"} for one in request["VpcSecurityGroupIds"]],
            "IamRoles": [{"IamRoleArn": one, "ApplyStatus": "in-sync"} for one in request["IamRoles"]],
            "Encrypted": True,
            "KmsKeyId": request.get("KmsKeyId", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/aws"),
            "PubliclyAccessible": request["PubliclyAccessible"],
            "EnhancedVpcRouting": request["EnhancedVpcRouting"],
            "AllowVersionUpgrade": request["AllowVersionUpgrade"],
            "AutomatedSnapshotRetentionPeriod": request["AutomatedSnapshotRetentionPeriod"],
            "MultiAZ": "enabled" if request.get("MultiAZ") else "disabled",
            "Endpoint": {"Address": f"{name}.abc123.{REGION}.redshift.amazonaws.com", "Port": request["Port"]},
            "logging": None,
            "in use": [*group["SubnetIds"], *request["VpcSecurityGroupIds"]],
        }
        self.clusters[name] = Thing(record, request["Tags"], ["creating"] * self.looks)
        return {}

    def _check_cluster(self, request: dict[str, Any]) -> None:
        nodes = request.get("NumberOfNodes", 1)
        least = {"rg.xlarge": 2, "ra3.4xlarge": 2}.get(request["NodeType"], 1)
        wrong = {
            f"Invalid node type: {request['NodeType']}": request["NodeType"] not in self.node_types,
            "number of nodes": nodes < least,
            "single-node with NumberOfNodes": request["ClusterType"] == "single-node" and "NumberOfNodes" in request,
            "password": not request.get("ManageMasterPassword") or "MasterUserPassword" in request,
            "encryption cannot be turned off": not request.get("Encrypted", True),
            "port": not (5431 <= request["Port"] <= 5455 or 8191 <= request["Port"] <= 8215),
            "database": not re.fullmatch(r"[a-z]{1,64}", request["DBName"]),
            "user": not re.fullmatch(r"[a-z][a-z0-9_+.@-]{0,127}", request["MasterUsername"]),
        }
        if reasons := [reason for reason, is_so in wrong.items() if is_so]:
            raise Refusal("InvalidParameterValue", ", ".join(reasons))
        self._check_groups(request["VpcSecurityGroupIds"])
        for role in request["IamRoles"]:
            self._check_role(role, "redshift.amazonaws.com")
        if request["PubliclyAccessible"]:
            self._check_way_out()

    def _check_way_out(self) -> None:
        if not any(one.vpc for one in ec2_backends[ACCOUNT][REGION].internet_gateways.values()):
            raise Refusal("InvalidVPCNetworkStateFault", "the VPC has no internet gateway")

    def _check_groups(self, names: list[str]) -> None:
        groups = ec2_backends[ACCOUNT][REGION].groups
        if unknown := set(names) - {name for by_vpc in groups.values() for name in by_vpc}:
            raise Refusal("InvalidParameterValue", f"no security group {unknown}")

    def _cluster(self, name: str, *states: str) -> dict[str, Any]:
        if name not in self.clusters:
            raise Refusal("ClusterNotFound", f"Cluster {name} not found.")
        thing = self.clusters[name]
        state = thing.ahead[0] if thing.ahead else thing.record.get("resting", "available")
        if states and state not in states:
            raise Refusal("InvalidClusterState", f"{name} is {state}")
        return thing.record

    def redshift_DescribeClusters(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = request["ClusterIdentifier"]
        record = self._cluster(name)
        thing = self.clusters[name]
        status = thing.ahead.pop(0) if thing.ahead else record.get("resting", "available")
        if status == "deleting" and not thing.ahead:
            del self.clusters[name]
        hidden = ("logging", "in use", "resting")
        shown = {key: value for key, value in record.items() if key not in hidden}
        if status == "creating":
            del shown["Endpoint"]
        return {"Clusters": [{**shown, "ClusterStatus": status, "Tags": thing.tags}]}

    def redshift_DescribeLoggingStatus(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        logging = self._cluster(request["ClusterIdentifier"])["logging"]
        return {"LoggingEnabled": False} if logging is None else {"LoggingEnabled": True, **logging}

    def redshift_EnableLogging(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        record = self._cluster(request["ClusterIdentifier"], "available")
        record["logging"] = {key: request[key] for key in ("LogDestinationType", "LogExports")}
        return {"LoggingEnabled": True}

    def redshift_ModifyCluster(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        record = self._cluster(request["ClusterIdentifier"], "available")
        for key, value in request.items():
            match key:
                case "ClusterIdentifier":
                    pass
                case "Encrypted" if not value:
                    raise Refusal("InvalidParameterValue", "encryption cannot be turned off")
                case "VpcSecurityGroupIds":
                    self._check_groups(value)
                    record["VpcSecurityGroups"] = [{"VpcSecurityGroupId": one, "Status": "active"} for one in value]
                case "ClusterParameterGroupName":
                    self._parameter_group(value)
                    record["ClusterParameterGroups"] = [
                        {"ParameterGroupName": value, "ParameterApplyStatus": "pending-reboot"}
                    ]
                case "Port":
                    record["Endpoint"]["Port"] = value
                case "ManageMasterPassword":
                    record["MasterPasswordSecretArn"] = "arn:aws:secretsmanager:new"
                case "MultiAZ":
                    record["MultiAZ"] = "enabled" if value else "disabled"
                case "PubliclyAccessible":
                    if value:
                        self._check_way_out()
                    record[key] = value
                case _:
                    assert key in record, key
                    record[key] = value
        self._goes(request, "modifying")
        return {}

    def _goes(self, request: dict[str, Any], *states: str) -> None:
        self.clusters[request["ClusterIdentifier"]].ahead = [state for state in states for _ in range(self.looks)]

    def redshift_ModifyClusterIamRoles(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        record = self._cluster(request["ClusterIdentifier"], "available")
        roles = {one["IamRoleArn"] for one in record["IamRoles"]} - set(request.get("RemoveIamRoles", []))
        for role in request.get("AddIamRoles", []):
            self._check_role(role, "redshift.amazonaws.com")
            roles.add(role)
        record["IamRoles"] = [{"IamRoleArn": role, "ApplyStatus": "in-sync"} for role in sorted(roles)]
        self._goes(request, "modifying")
        return {}

    def redshift_RebootCluster(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        record = self._cluster(request["ClusterIdentifier"], "available")
        record["ClusterParameterGroups"][0]["ParameterApplyStatus"] = "in-sync"
        self._goes(request, "rebooting")
        return {}

    def redshift_ResizeCluster(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        record = self._cluster(request["ClusterIdentifier"], "available")
        if request["NodeType"] not in self.node_types:
            raise Refusal("UnsupportedOptionFault", request["NodeType"])
        record.update(NodeType=request["NodeType"], NumberOfNodes=request["NumberOfNodes"])
        self._goes(request, "resizing")
        return {}

    def redshift_PauseCluster(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._cluster(request["ClusterIdentifier"], "available")["resting"] = "paused"
        self._goes(request, "pausing")
        return {}

    def redshift_ResumeCluster(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        del self._cluster(request["ClusterIdentifier"], "paused")["resting"]
        self._goes(request, "resuming")
        return {}

    def redshift_DeleteCluster(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._cluster(request["ClusterIdentifier"], "available", "paused", "incompatible-network")
        last = request.get("FinalClusterSnapshotIdentifier")
        if bool(last) == request["SkipFinalClusterSnapshot"]:
            raise Refusal("InvalidParameterCombination", "a final snapshot, or none")
        if last:
            self._keep_snapshot(last, request["FinalClusterSnapshotRetentionPeriod"])
        self._goes(request, *(["final-snapshot"] if last else []), "deleting")
        return {}

    def _keep_snapshot(self, name: str, days: int) -> None:
        if not re.fullmatch(r"[a-z](?:-?[a-z0-9])*", name) or not (days == -1 or 1 <= days <= 3653):
            raise Refusal("InvalidParameterValue", name)
        if name in self.snapshots:
            raise Refusal("ClusterSnapshotAlreadyExists", name)
        self.snapshots.append(name)

    def redshift_DescribeClusterSnapshots(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        named = [name for name in self.snapshots if not name.startswith("serverless:")]
        cluster = request["ClusterIdentifier"]
        return {"Snapshots": [{"SnapshotIdentifier": name, "ClusterIdentifier": cluster, "Tags": []} for name in named]}

    # Redshift Serverless

    def redshift_serverless_CreateNamespace(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = _named(request["namespaceName"])
        if name in self.namespaces:
            raise Refusal("ConflictException", name)
        if not request.get("manageAdminPassword") or "adminUserPassword" in request:
            raise Refusal("ValidationException", "password")
        for role in request["iamRoles"]:
            self._check_role(role, "redshift-serverless.amazonaws.com")
        record = {
            "namespaceName": name,
            "namespaceId": f"n-{self._next()}",
            "namespaceArn": f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:namespace/{self.numbers}",
            "dbName": request["dbName"],
            "adminUsername": request["adminUsername"],
            "adminPasswordSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:redshift!{name}",
            "iamRoles": request["iamRoles"],
            "logExports": request["logExports"],
            "kmsKeyId": request.get("kmsKeyId", "AWS_OWNED_KMS_KEY"),
            "creationDate": self.clock.now(),
        }
        self.namespaces[name] = Thing(record, request["tags"], ["MODIFYING"] * (self.looks - 1))
        return {"namespace": self._shown_namespace(record, "AVAILABLE")}

    def _next(self) -> int:
        self.numbers += 1
        return self.numbers

    def _shown_namespace(self, record: dict[str, Any], status: str) -> dict[str, Any]:
        roles = [f"IamRole(applyStatus=in-sync, iamRoleArn={role})" for role in record["iamRoles"]]
        return {**record, "iamRoles": roles, "status": status}

    def redshift_serverless_GetNamespace(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        thing, status = self._serverless(self.namespaces, request["namespaceName"])
        return {"namespace": self._shown_namespace(thing.record, status)}

    def _serverless(self, things: dict[str, Thing], name: str) -> tuple[Thing, str]:
        if name not in things:
            raise Refusal("ResourceNotFoundException", name)
        thing = things[name]
        status = thing.ahead.pop(0) if thing.ahead else "AVAILABLE"
        if status == "DELETING" and not thing.ahead:
            del things[name]
        return thing, status

    def _idle(self, things: dict[str, Thing], name: str) -> Thing:
        if name not in things:
            raise Refusal("ResourceNotFoundException", name)
        if things[name].ahead:
            raise Refusal("ConflictException", f"{name} is {things[name].ahead[0]}")
        return things[name]

    def redshift_serverless_UpdateNamespace(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        thing = self._idle(self.namespaces, request["namespaceName"])
        [(key, value)] = _one_change(request, "namespaceName")
        if key == "manageAdminPassword":
            thing.record["adminPasswordSecretArn"] = "arn:aws:secretsmanager:new"
        else:
            thing.record[key] = value
        thing.ahead = ["MODIFYING"] * self.looks
        return {"namespace": self._shown_namespace(thing.record, "MODIFYING")}

    def redshift_serverless_DeleteNamespace(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = request["namespaceName"]
        thing = self._idle(self.namespaces, name)
        if any(one.record["namespaceName"] == name for one in self.workgroups.values()):
            raise Refusal("ConflictException", "There is a workgroup in it")
        if "finalSnapshotName" in request:
            self._keep_snapshot(request["finalSnapshotName"], request["finalSnapshotRetentionPeriod"])
            self.snapshots[-1] = f"serverless:{self.snapshots[-1]}"
        thing.ahead = ["DELETING"] * self.looks
        return {"namespace": self._shown_namespace(thing.record, "DELETING")}

    def redshift_serverless_CreateWorkgroup(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = _named(request["workgroupName"])
        if name in self.workgroups:
            raise Refusal("ConflictException", name)
        self._idle(self.namespaces, request["namespaceName"])
        self._check_workgroup(request)
        record = {
            **{key: value for key, value in request.items() if key not in ("tags",)},
            "workgroupId": f"w-{self._next()}",
            "workgroupArn": f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/{self.numbers}",
            "endpoint": {"address": f"{name}.{ACCOUNT}.{REGION}.redshift-serverless.amazonaws.com", "port": request["port"]},
            "creationDate": self.clock.now(),
            "in use": [*request["subnetIds"], *request["securityGroupIds"]],
        }
        record["configParameters"] = [
            *request["configParameters"],
            {"parameterKey": "auto_mv", "parameterValue": "true"},
        ]
        self.workgroups[name] = Thing(record, request["tags"], ["CREATING"] * self.looks)
        return {"workgroup": _shown_workgroup(record, "CREATING")}

    def _check_workgroup(self, request: dict[str, Any]) -> None:
        base, most = request["baseCapacity"], request["maxCapacity"]
        if not (base == 4 or (8 <= base <= 512 and base % 8 == 0)) or most < base or most % 8:
            raise Refusal("ValidationException", f"capacity {base} to {most}")
        if not (5431 <= request["port"] <= 5455 or 8191 <= request["port"] <= 8215):
            raise Refusal("ValidationException", "port")
        self._subnets(request["subnetIds"], 3)
        self._check_groups(request["securityGroupIds"])
        if request["publiclyAccessible"]:
            self._check_way_out()

    def redshift_serverless_GetWorkgroup(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        thing, status = self._serverless(self.workgroups, request["workgroupName"])
        return {"workgroup": _shown_workgroup(thing.record, status)}

    def redshift_serverless_UpdateWorkgroup(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        thing = self._idle(self.workgroups, request["workgroupName"])
        [(key, value)] = _one_change(request, "workgroupName")
        self._check_workgroup({**thing.record, key: value})
        thing.record[key] = value
        thing.ahead = ["MODIFYING"] * self.looks
        return {"workgroup": _shown_workgroup(thing.record, "MODIFYING")}

    def redshift_serverless_DeleteWorkgroup(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        thing = self._idle(self.workgroups, request["workgroupName"])
        thing.ahead = ["DELETING"] * self.looks
        arn = thing.record["workgroupArn"]
        self.usage_limits = {name: one for name, one in self.usage_limits.items() if one["resourceArn"] != arn}
        return {"workgroup": _shown_workgroup(thing.record, "DELETING")}

    def redshift_serverless_ListTagsForResource(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        for thing in (*self.namespaces.values(), *self.workgroups.values()):
            if request["resourceArn"] in (thing.record.get("namespaceArn"), thing.record.get("workgroupArn")):
                return {"tags": thing.tags}
        return {"tags": []}  # it went between two calls

    def redshift_serverless_CreateUsageLimit(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        arns = [thing.record["workgroupArn"] for thing in self.workgroups.values()]
        if request["resourceArn"] not in arns:
            raise Refusal("ResourceNotFoundException", request["resourceArn"])
        if request["amount"] < 1:
            raise Refusal("ValidationException", "amount")
        if any(one["resourceArn"] == request["resourceArn"] for one in self.usage_limits.values()):
            raise Refusal("ConflictException", "there is one")
        name = f"limit-{self._next()}"
        self.usage_limits[name] = {**request, "usageLimitId": name}
        return {"usageLimit": self.usage_limits[name]}

    def redshift_serverless_ListUsageLimits(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        found = [one for one in self.usage_limits.values() if one["resourceArn"] == request["resourceArn"]]
        return {"usageLimits": found}

    def redshift_serverless_UpdateUsageLimit(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.usage_limits[request["usageLimitId"]].update(request)
        return {}

    def redshift_serverless_DeleteUsageLimit(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if self.usage_limits.pop(request["usageLimitId"], None) is None:
            raise Refusal("ResourceNotFoundException")
        return {}

    def redshift_serverless_ListSnapshots(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        named = [name.partition(":")[2] for name in self.snapshots if name.startswith("serverless:")]
        prefix = f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:snapshot/"
        return {"snapshots": [{"snapshotName": name, "snapshotArn": f"{prefix}{name}"} for name in named]}

    @staticmethod
    def _arn(resource: str) -> str:
        return f"arn:aws:redshift:{REGION}:{ACCOUNT}:{resource}"

    # What a test looks at: everything there is, by no code of the project's

    def everything(self) -> list[str]:
        """A line for each thing in the account, ids replaced by what they name."""
        ec2 = ec2_backends[ACCOUNT][REGION]
        default = {vpc.id for vpc in ec2.vpcs.values() if vpc.is_default == "true" or vpc.is_default is True}
        lines: list[tuple[str, object]] = []
        names: dict[str, str] = {}

        def tags(name: str) -> dict[str, str]:
            found = {tag["key"]: tag["value"] for tag in ec2.describe_tags(filters={"resource-id": [name]})}
            names[name] = found.get("Name", "?")
            return found

        for vpc in ec2.vpcs.values():
            if vpc.id not in default:
                lines.append(("vpc", [tags(vpc.id), vpc.cidr_block, str(vpc.enable_dns_hostnames).lower()]))
        for by_zone in ec2.subnets.values():
            for one in by_zone.values():
                if one.vpc_id not in default:
                    lines.append(("subnet", [tags(one.id), one.cidr_block, one.availability_zone, one.vpc_id]))
        for gateway in ec2.internet_gateways.values():
            lines.append(("gateway", [tags(gateway.id), gateway.vpc.id if gateway.vpc else None]))
        for table in ec2.route_tables.values():
            if table.vpc_id not in default and not table.main_association_id:
                routes = sorted(f"{r.destination_cidr_block} {r.gateway.id if r.gateway else r.local}" for r in table.routes if r.destination_cidr_block)
                lines.append(("route table", [tags(table.id), sorted(one["SubnetId"] for one in table.associations if "SubnetId" in one), routes]))
        for endpoint in ec2.vpc_end_points.values():
            if endpoint.state != "deleted":
                lines.append(("endpoint", [tags(endpoint.id), endpoint.service_name, endpoint.route_table_ids]))
        for by_vpc in ec2.groups.values():
            for group in by_vpc.values():
                if group.name != "default":
                    rules = sorted(
                        f"{rule.ip_protocol} {rule.from_port}-{rule.to_port} "
                        f"{(rule.ip_range or {}).get('CidrIp')} {(rule.source_group or {}).get('GroupId')}"
                        for rule in group.ingress_rules
                    )
                    lines.append(("security group", [tags(group.id), rules]))
        for bucket in s3_backends[ACCOUNT]["aws"].buckets.values():
            held = s3_backends[ACCOUNT]["aws"]
            lines.append(
                (
                    "bucket",
                    [
                        bucket.name,
                        held.tagger.get_tag_dict_for_resource(bucket.arn),
                        bucket.versioning_status,
                        json.loads(bucket.policy) if bucket.policy else None,
                        vars(bucket.public_access_block) if bucket.public_access_block else None,
                        bucket.encryption,
                        len(bucket.rules),
                    ],
                )
            )
        for role in iam_backends[ACCOUNT]["aws"].roles.values():
            if not role.path.startswith("/aws-service-role/"):
                lines.append(("role", [role.name, role.path, role.assume_role_policy_document, role.policies, str(role.tags)]))
        for log in logs_backends[ACCOUNT][REGION].groups.values():
            lines.append(("log group", [log.name, log.retention_in_days, logs_backends[ACCOUNT][REGION].list_tags_for_resource(log.arn)]))
        for group in scheduler_backends[ACCOUNT][REGION].schedule_groups.values():
            if group.name != "default":
                lines.append(("schedule group", group.name))
            for schedule in group.schedules.values():
                lines.append(("schedule", [schedule.name, schedule.target["Arn"], schedule.target["RoleArn"]]))
        for kind in ("clusters", "namespaces", "workgroups"):
            for name, thing in getattr(self, kind).items():
                timeless = {key: value for key, value in thing.record.items() if "reat" not in key}
                lines.append((kind, [name, timeless, thing.tags, thing.ahead]))
        lines += [("subnet group", one) for one in self.subnet_groups.values()]
        lines += [("parameter group", one) for one in self.parameter_groups.values()]
        lines += [("usage limit", one) for one in self.usage_limits.values()]
        text = [f"{kind}: {what}" for kind, what in lines]
        for name, meaning in names.items():
            text = [line.replace(name, meaning) for line in text]
        return sorted(re.sub(r"(limit-|[nw]-|namespace/|workgroup/)\d+", r"\1N", line) for line in text)


def _refused(refusal: Refusal, status: int) -> tuple[_Answer, dict[str, Any]]:
    error = {"Code": refusal.code, "Message": str(refusal)}
    return _Answer(status), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}


def _named(name: str) -> str:
    if not re.fullmatch(r"[a-z](?:-?[a-z0-9])*", name) or len(name) > 63:
        raise Refusal("InvalidParameterValue", f"name {name}")
    return name


def _one_change(request: dict[str, Any], name: str) -> list[tuple[str, Any]]:
    changes = [(key, value) for key, value in request.items() if key != name]
    if len(changes) != 1:
        raise Refusal("ValidationException", "one change in one request")
    return changes


def _shown_workgroup(record: dict[str, Any], status: str) -> dict[str, Any]:
    shown = {key: value for key, value in record.items() if key != "in use"}
    if status == "CREATING":
        del shown["endpoint"]
    return {**shown, "status": status}


@contextmanager
def aws_in_this_process(**options: Any) -> Iterator[AwsState]:
    """Every client that is made meanwhile talks to this account; credentials are there and worth nothing."""
    state = AwsState(**options)
    handlers: list[tuple[str, Callable[..., Any]]] = [
        ("before-parameter-build", state.keep_parameters),
        ("before-call", state.before_call),
        ("after-call", state.after_call),
    ]
    with mock_aws(), patch.object(botocore.handlers, "BUILTIN_HANDLERS", botocore.handlers.BUILTIN_HANDLERS + handlers):
        yield state
