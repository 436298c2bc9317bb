"""The time to live of a stack: schedules that delete what costs money, so nothing has to keep running until then.

EventBridge Scheduler calls the API of Redshift itself. It deletes the cluster, or workgroup and namespace, with a final
snapshot. Bucket, network and roles cost next to nothing and stay until infra.down.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from infra.aws import ignoring, tag_list, tag_map
from infra.iam import Role
from infra.policies import Document, allow, document
from infra.resource import Context, Found, Resource

# Time for the workgroup to be deleted before its namespace is.
_BETWEEN = timedelta(hours=1)


class ScheduleGroup(Resource):
    """The group of the schedules. Schedules have no tags, but their group does, and deleting it deletes them."""

    kind = "schedule group"
    key = "schedule group"
    why = "infra.ttl: holds the schedules that delete the warehouse"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.name = self.settings.project

    def wanted(self) -> dict[str, object]:
        return {}

    def find(self) -> Found | None:
        client = self.aws.client("scheduler")
        group = None
        with ignoring("ResourceNotFoundException"):
            group = client.get_schedule_group(Name=self.name)
        if group is None or group.get("State") == "DELETING":
            return None
        tags = client.list_tags_for_resource(ResourceArn=group["Arn"])["Tags"]
        return Found(group["Arn"], {}, tag_map(tags))

    def create(self) -> None:
        with ignoring("ConflictException"):
            self.aws.client("scheduler").create_schedule_group(Name=self.name, Tags=tag_list(self.tags))

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        raise AssertionError("a schedule group has nothing to change")

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("ResourceNotFoundException"):
            self.aws.client("scheduler").delete_schedule_group(Name=self.name)


class Schedule(Resource):
    """One API call at one time. The time is fixed at creation: running infra.up again does not postpone it."""

    kind = "schedule"

    def __init__(self, context: Context, *, action: str, after: timedelta, parameters: Mapping[str, Any]) -> None:
        super().__init__(context)
        self.key = f"schedule {action}"
        self.name = f"{self.settings.project}-{action}"
        self._action, self._after, self._parameters = action, after, parameters
        self.why = f"infra.ttl: calls {action} {_shown(after)} after creation"

    @property
    def _target(self) -> str:
        service = "redshiftserverless" if self.settings.is_serverless else "redshift"
        return f"arn:{self.aws.partition if self.context.aws else 'aws'}:scheduler:::aws-sdk:{service}:{self._action}"

    def wanted(self) -> dict[str, object]:
        return {"after": self._description, "calls": self._target, "role": self.context.id_of("ttl role")}

    @property
    def _description(self) -> str:
        return f"Ends the stack {_shown(self._after)} after it was made"

    def find(self) -> Found | None:
        schedule = None
        with ignoring("ResourceNotFoundException"):
            schedule = self.aws.client("scheduler").get_schedule(GroupName=self.settings.project, Name=self.name)
        if schedule is None:
            return None
        attributes = {
            "after": schedule.get("Description"),
            "calls": schedule["Target"]["Arn"],
            "role": schedule["Target"]["RoleArn"],
        }
        return Found(schedule["Arn"], attributes, self.tags, detail=schedule["ScheduleExpression"])

    def create(self) -> None:
        with ignoring("ConflictException"):
            self.aws.client("scheduler").create_schedule(**self._request())

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        self.aws.client("scheduler").update_schedule(**self._request())

    def _request(self) -> dict[str, Any]:
        when = self.context.clock.now() + self._after
        return {
            "Name": self.name,
            "GroupName": self.settings.project,
            "Description": self._description,
            "ScheduleExpression": f"at({when:%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": self._target,
                "RoleArn": self.context.id_of("ttl role"),
                "Input": json.dumps(self._parameters),
                "RetryPolicy": {"MaximumRetryAttempts": 20, "MaximumEventAgeInSeconds": 21600},
            },
        }

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("ResourceNotFoundException"):
            self.aws.client("scheduler").delete_schedule(GroupName=self.settings.project, Name=self.name)


def time_to_live(context: Context) -> list[Resource]:
    """The resources of the time to live in the order of creation; none without infra.ttl."""
    settings = context.settings
    if settings.ttl is None:
        return []
    return _parts(context, settings.ttl)


def _parts(context: Context, after: timedelta) -> list[Resource]:
    role = Role(
        context,
        key="ttl role",
        why="infra.ttl: lets the scheduler delete this warehouse and no other",
        services=["scheduler.amazonaws.com"],
        policy=_policy(context),
    )
    return [role, ScheduleGroup(context), *_schedules(context, after)]


def _schedules(context: Context, after: timedelta) -> list[Resource]:
    project, days = context.settings.project, context.settings.final_snapshot_days
    snapshot = f"{project}-ttl-{context.clock.now():%Y%m%d%H%M%S}"
    if not context.settings.is_serverless:
        request = {
            "ClusterIdentifier": project,
            "SkipFinalClusterSnapshot": False,
            "FinalClusterSnapshotIdentifier": snapshot,
            "FinalClusterSnapshotRetentionPeriod": days,
        }
        return [Schedule(context, action="deleteCluster", after=after, parameters=request)]
    last = {"NamespaceName": project, "FinalSnapshotName": snapshot, "FinalSnapshotRetentionPeriod": days}
    return [
        Schedule(context, action="deleteWorkgroup", after=after, parameters={"WorkgroupName": project}),
        Schedule(context, action="deleteNamespace", after=after + _BETWEEN, parameters=last),
    ]


def _policy(context: Context) -> Document:
    """Allow deleting this warehouse and its managed password, and taking a last snapshot."""
    project = context.settings.project

    def arn(service: str, resource: str) -> str:
        if context.aws:
            return context.aws.arn(service, resource)
        return f"arn:aws:{service}:{context.settings.region}:(account):{resource}"

    secret = arn("secretsmanager", f"secret:redshift!{project}-*")
    password = allow("Password", ["secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret"], [secret])
    if not context.settings.is_serverless:
        snapshots = arn("redshift", f"snapshot:{project}/{project}-ttl-*")
        return document(
            allow("Cluster", ["redshift:DeleteCluster"], [arn("redshift", f"cluster:{project}")]),
            allow("LastSnapshot", ["redshift:CreateClusterSnapshot"], [snapshots]),
            password,
        )
    # ARNs of namespaces and workgroups contain generated IDs: the tag identifies this project's.
    ours = {"StringEquals": {"aws:ResourceTag/sparkify:project": project}}
    return document(
        allow(
            "Workgroup",
            ["redshift-serverless:DeleteWorkgroup"],
            [arn("redshift-serverless", "workgroup/*")],
            Condition=ours,
        ),
        allow(
            "Namespace",
            ["redshift-serverless:DeleteNamespace"],
            [arn("redshift-serverless", "namespace/*")],
            Condition=ours,
        ),
        allow("LastSnapshot", ["redshift-serverless:CreateSnapshot"], [arn("redshift-serverless", "snapshot/*")]),
        password,
    )


def _shown(time: timedelta) -> str:
    hours = int(time.total_seconds() // 3600)
    return f"{hours // 24} days" if hours % 24 == 0 and hours > 24 else f"{hours} hours"
