"""Redshift Serverless and its Data API as they answer. One method for each call."""

from __future__ import annotations

import re
from typing import Any

from aws_account import ACCOUNT, REGION, Records, RefusedError, Thing, named


class ServerlessCalls(Records):
    def redshift_serverless_CreateNamespace(self, request: dict[str, Any]) -> dict[str, Any]:
        name = named(request["namespaceName"])
        if name in self.namespaces:
            raise RefusedError("ConflictException", name)
        if not request.get("manageAdminPassword") or "adminUserPassword" in request:
            raise RefusedError("ValidationException", "password")
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

    def _shown_namespace(self, record: dict[str, Any], status: str) -> dict[str, Any]:
        roles = [f"IamRole(applyStatus=in-sync, iamRoleArn={role})" for role in record["iamRoles"]]
        shown = {key: value for key, value in record.items() if key != "users"}
        return {**shown, "iamRoles": roles, "status": status}

    def redshift_serverless_GetNamespace(self, request: dict[str, Any]) -> dict[str, Any]:
        thing, status = self._serverless(self.namespaces, request["namespaceName"])
        return {"namespace": self._shown_namespace(thing.record, status)}

    def _serverless(self, things: dict[str, Thing], name: str) -> tuple[Thing, str]:
        if name not in things:
            raise RefusedError("ResourceNotFoundException", name)
        thing = things[name]
        status = thing.ahead.pop(0) if thing.ahead else "AVAILABLE"
        if status == "DELETING" and not thing.ahead:
            del things[name]
        return thing, status

    def _idle(self, things: dict[str, Thing], name: str) -> Thing:
        if name not in things:
            raise RefusedError("ResourceNotFoundException", name)
        if things[name].ahead:
            raise RefusedError("ConflictException", f"{name} is {things[name].ahead[0]}")
        return things[name]

    def redshift_serverless_UpdateNamespace(self, request: dict[str, Any]) -> dict[str, Any]:
        thing = self._idle(self.namespaces, request["namespaceName"])
        [(key, value)] = _one_change(request, "namespaceName")
        if key == "manageAdminPassword":
            thing.record["adminPasswordSecretArn"] = "arn:aws:secretsmanager:new"
        else:
            thing.record[key] = value
        thing.ahead = ["MODIFYING"] * self.looks
        return {"namespace": self._shown_namespace(thing.record, "MODIFYING")}

    def redshift_serverless_DeleteNamespace(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["namespaceName"]
        thing = self._idle(self.namespaces, name)
        if any(one.record["namespaceName"] == name for one in self.workgroups.values()):
            raise RefusedError("ConflictException", "There is a workgroup in it")
        if "finalSnapshotName" in request:
            self._keep_snapshot(request["finalSnapshotName"], request["finalSnapshotRetentionPeriod"])
            self.snapshots[-1] = f"serverless:{self.snapshots[-1]}"
        thing.ahead = ["DELETING"] * self.looks
        return {"namespace": self._shown_namespace(thing.record, "DELETING")}

    def redshift_serverless_CreateWorkgroup(self, request: dict[str, Any]) -> dict[str, Any]:
        name = named(request["workgroupName"])
        if name in self.workgroups:
            raise RefusedError("ConflictException", name)
        self._idle(self.namespaces, request["namespaceName"])
        self._check_workgroup(request)
        record = {
            **{key: value for key, value in request.items() if key not in ("tags",)},
            "workgroupId": f"w-{self._next()}",
            "workgroupArn": f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/{self.numbers}",
            "endpoint": {
                "address": f"{name}.{ACCOUNT}.{REGION}.redshift-serverless.amazonaws.com",
                "port": request["port"],
            },
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
            raise RefusedError("ValidationException", f"capacity {base} to {most}")
        if not (5431 <= request["port"] <= 5455 or 8191 <= request["port"] <= 8215):
            raise RefusedError("ValidationException", "port")
        self._subnets(request["subnetIds"], 3)
        self._check_groups(request["securityGroupIds"])
        if request["publiclyAccessible"]:
            self._check_way_out()

    def redshift_serverless_GetWorkgroup(self, request: dict[str, Any]) -> dict[str, Any]:
        thing, status = self._serverless(self.workgroups, request["workgroupName"])
        return {"workgroup": _shown_workgroup(thing.record, status)}

    def redshift_serverless_UpdateWorkgroup(self, request: dict[str, Any]) -> dict[str, Any]:
        thing = self._idle(self.workgroups, request["workgroupName"])
        [(key, value)] = _one_change(request, "workgroupName")
        self._check_workgroup({**thing.record, key: value})
        thing.record[key] = value
        thing.record["endpoint"]["port"] = thing.record["port"]
        thing.ahead = ["MODIFYING"] * self.looks
        return {"workgroup": _shown_workgroup(thing.record, "MODIFYING")}

    def redshift_serverless_DeleteWorkgroup(self, request: dict[str, Any]) -> dict[str, Any]:
        thing = self._idle(self.workgroups, request["workgroupName"])
        thing.ahead = ["DELETING"] * self.looks
        arn = thing.record["workgroupArn"]
        self.usage_limits = {name: one for name, one in self.usage_limits.items() if one["resourceArn"] != arn}
        return {"workgroup": _shown_workgroup(thing.record, "DELETING")}

    def redshift_serverless_ListTagsForResource(self, request: dict[str, Any]) -> dict[str, Any]:
        for thing in (*self.namespaces.values(), *self.workgroups.values()):
            if request["resourceArn"] in (thing.record.get("namespaceArn"), thing.record.get("workgroupArn")):
                return {"tags": thing.tags}
        return {"tags": []}  # it went between two calls

    def redshift_serverless_CreateUsageLimit(self, request: dict[str, Any]) -> dict[str, Any]:
        arns = [thing.record["workgroupArn"] for thing in self.workgroups.values()]
        if request["resourceArn"] not in arns:
            raise RefusedError("ResourceNotFoundException", request["resourceArn"])
        if request["amount"] < 1:
            raise RefusedError("ValidationException", "amount")
        if any(one["resourceArn"] == request["resourceArn"] for one in self.usage_limits.values()):
            raise RefusedError("ConflictException", "there is one")
        name = f"limit-{self._next()}"
        self.usage_limits[name] = {**request, "usageLimitId": name}
        return {"usageLimit": self.usage_limits[name]}

    def redshift_serverless_ListUsageLimits(self, request: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in self.usage_limits.values() if one["resourceArn"] == request["resourceArn"]]
        return {"usageLimits": found} if found else {}

    def redshift_serverless_UpdateUsageLimit(self, request: dict[str, Any]) -> dict[str, Any]:
        self.usage_limits[request["usageLimitId"]].update(request)
        return {}

    def redshift_serverless_DeleteUsageLimit(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.usage_limits.pop(request["usageLimitId"], None) is None:
            raise RefusedError("ResourceNotFoundException")
        return {}

    def redshift_serverless_ListSnapshots(self, _: dict[str, Any]) -> dict[str, Any]:
        named = [name.partition(":")[2] for name in self.snapshots if name.startswith("serverless:")]
        prefix = f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:snapshot/"
        return {"snapshots": [{"snapshotName": name, "snapshotArn": f"{prefix}{name}"} for name in named]}

    def redshift_serverless_GetSnapshot(self, request: dict[str, Any]) -> dict[str, Any]:
        for snapshot in self.redshift_serverless_ListSnapshots({})["snapshots"]:
            if snapshot["snapshotName"] == request["snapshotName"]:
                return {"snapshot": snapshot}
        raise RefusedError("ResourceNotFoundException", request["snapshotName"])

    def redshift_serverless_TagResource(self, request: dict[str, Any]) -> dict[str, Any]:
        added = {tag["key"]: tag["value"] for tag in request["tags"]}
        if any(not re.fullmatch(r"[\w\s.:/=+@-]{0,256}", value) for value in added.values()):
            raise RefusedError("ValidationException", "tag")
        if ":snapshot/" in request["resourceArn"]:
            self.snapshot_tags[request["resourceArn"].rpartition("/")[2]] = added
            return {}
        for thing in (*self.namespaces.values(), *self.workgroups.values()):
            if request["resourceArn"] in (thing.record.get("namespaceArn"), thing.record.get("workgroupArn")):
                there = {tag["key"]: tag["value"] for tag in thing.tags} | added
                thing.tags = [{"key": key, "value": value} for key, value in there.items()]
                return {}
        raise RefusedError("ResourceNotFoundException", request["resourceArn"])

    # The Data API: users and what they were granted

    def redshift_data_ExecuteStatement(self, request: dict[str, Any]) -> dict[str, Any]:
        thing = self._idle(self.workgroups, request["WorkgroupName"])
        namespace = self.namespaces[thing.record["namespaceName"]].record
        if request["SecretArn"] != namespace["adminPasswordSecretArn"] or request["Database"] != namespace["dbName"]:
            raise RefusedError("ValidationException", "secret or database")
        users, sql, error = namespace.setdefault("users", {}), request["Sql"], ""
        if made := re.fullmatch(r'create user "([^"]+)" password disable', sql):
            error = f'ERROR: user "{made[1]}" already exists' if made[1] in users else ""
            users.setdefault(made[1], [])
        elif granted := re.fullmatch(r'grant create on database ([a-z]+) to "([^"]+)"', sql):
            if granted[2] in users and granted[1] not in users[granted[2]]:
                users[granted[2]].append(granted[1])
            error = "" if granted[2] in users else f'ERROR: user "{granted[2]}" does not exist'
        else:
            error = "ERROR: syntax error"
        name = f"statement-{self._next()}"
        self.statements[name] = ["SUBMITTED", "STARTED"], error
        return {"Id": name}

    def redshift_data_DescribeStatement(self, request: dict[str, Any]) -> dict[str, Any]:
        ahead, error = self.statements[request["Id"]]
        status = ahead.pop(0) if ahead else "FAILED" if error else "FINISHED"
        return {"Id": request["Id"], "Status": status, **({"Error": error} if status == "FAILED" else {})}


def _one_change(request: dict[str, Any], name: str) -> list[tuple[str, Any]]:
    changes = [(key, value) for key, value in request.items() if key != name]
    if len(changes) != 1:
        raise RefusedError("ValidationException", "one change in one request")
    return changes


def _shown_workgroup(record: dict[str, Any], status: str) -> dict[str, Any]:
    shown = {key: value for key, value in record.items() if key != "in use"}
    if status == "CREATING":
        del shown["endpoint"]
    return {**shown, "status": status}
