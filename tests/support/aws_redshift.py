"""Redshift as it answers: groups, clusters that take their time, snapshots. One method for each call."""

from __future__ import annotations

import re
from typing import Any

from aws_account import ACCOUNT, REGION, Records, RefusedError, Thing, named


class RedshiftCalls(Records):
    def redshift_DescribeOrderableClusterOptions(self, _: dict[str, Any]) -> dict[str, Any]:
        zones = [{"Name": f"{REGION}{letter}"} for letter in "abcd"]
        return {
            "OrderableClusterOptions": [
                {"NodeType": name, "ClusterType": kind, "AvailabilityZones": zones}
                for name in self.node_types
                for kind in ("single-node", "multi-node")
            ]
        }

    def redshift_CreateClusterSubnetGroup(self, request: dict[str, Any]) -> dict[str, Any]:
        name = named(request["ClusterSubnetGroupName"])
        if name in self.subnet_groups:
            raise RefusedError("ClusterSubnetGroupAlreadyExists")
        self.subnet_groups[name] = {**request, "SubnetIds": self._subnets(request["SubnetIds"], 1)}
        return {}

    def redshift_ModifyClusterSubnetGroup(self, request: dict[str, Any]) -> dict[str, Any]:
        group = self._subnet_group(request["ClusterSubnetGroupName"])
        group["SubnetIds"] = self._subnets(request["SubnetIds"], 1)
        return {}

    def redshift_DescribeClusterSubnetGroups(self, request: dict[str, Any]) -> dict[str, Any]:
        group = self._subnet_group(request["ClusterSubnetGroupName"])
        subnets = [{"SubnetIdentifier": name} for name in group["SubnetIds"]]
        return {"ClusterSubnetGroups": [{"Subnets": subnets, "Tags": group["Tags"]}]}

    def redshift_DeleteClusterSubnetGroup(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ClusterSubnetGroupName"]
        self._subnet_group(name)
        if any(thing.record["ClusterSubnetGroupName"] == name for thing in self.clusters.values()):
            raise RefusedError("InvalidClusterSubnetGroupStateFault", "in use")
        del self.subnet_groups[name]
        return {}

    def _subnet_group(self, name: str) -> dict[str, Any]:
        if name not in self.subnet_groups:
            raise RefusedError("ClusterSubnetGroupNotFoundFault")
        return self.subnet_groups[name]

    def redshift_CreateClusterParameterGroup(self, request: dict[str, Any]) -> dict[str, Any]:
        name = named(request["ParameterGroupName"])
        if name in self.parameter_groups:
            raise RefusedError("ClusterParameterGroupAlreadyExists")
        defaults = {
            "require_ssl": "false",
            "enable_user_activity_logging": "false",
            "max_concurrency_scaling_clusters": "1",
        }
        self.parameter_groups[name] = {**request, "values": {**defaults, "statement_timeout": "0"}}
        return {}

    def redshift_DescribeClusterParameterGroups(self, request: dict[str, Any]) -> dict[str, Any]:
        group = self._parameter_group(request["ParameterGroupName"])
        return {"ParameterGroups": [{"ParameterGroupName": request["ParameterGroupName"], "Tags": group["Tags"]}]}

    def redshift_DescribeClusterParameters(self, request: dict[str, Any]) -> dict[str, Any]:
        values = self._parameter_group(request["ParameterGroupName"])["values"]
        return {"Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in values.items()]}

    def redshift_ModifyClusterParameterGroup(self, request: dict[str, Any]) -> dict[str, Any]:
        group = self._parameter_group(request["ParameterGroupName"])
        for one in request["Parameters"]:
            if one["ParameterName"] not in group["values"]:
                raise RefusedError("InvalidParameterValue", one["ParameterName"])
            group["values"][one["ParameterName"]] = one["ParameterValue"]
        for thing in self.clusters.values():
            [used] = thing.record["ClusterParameterGroups"]
            if used["ParameterGroupName"] == request["ParameterGroupName"]:
                used["ParameterApplyStatus"] = "pending-reboot"
        return {}

    def redshift_DeleteClusterParameterGroup(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ParameterGroupName"]
        self._parameter_group(name)
        for thing in self.clusters.values():
            if thing.record["ClusterParameterGroups"][0]["ParameterGroupName"] == name:
                raise RefusedError("InvalidClusterParameterGroupState", "in use")
        del self.parameter_groups[name]
        return {}

    def _parameter_group(self, name: str) -> dict[str, Any]:
        if name not in self.parameter_groups:
            raise RefusedError("ClusterParameterGroupNotFound")
        return self.parameter_groups[name]

    def redshift_CreateCluster(self, request: dict[str, Any]) -> dict[str, Any]:
        name = named(request["ClusterIdentifier"])
        if name in self.clusters:
            raise RefusedError("ClusterAlreadyExists", name)
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
            "VpcSecurityGroups": [
                {"VpcSecurityGroupId": one, "Status": "active"} for one in request["VpcSecurityGroupIds"]
            ],
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
            raise RefusedError("InvalidParameterValue", ", ".join(reasons))
        self._check_groups(request["VpcSecurityGroupIds"])
        for role in request["IamRoles"]:
            self._check_role(role, "redshift.amazonaws.com")
        if request["PubliclyAccessible"]:
            self._check_way_out()

    def _cluster(self, name: str, *states: str) -> dict[str, Any]:
        if name not in self.clusters:
            raise RefusedError("ClusterNotFound", f"Cluster {name} not found.")
        thing = self.clusters[name]
        state = thing.ahead[0] if thing.ahead else thing.record.get("resting", "available")
        if states and state not in states:
            raise RefusedError("InvalidClusterState", f"{name} is {state}")
        return thing.record

    def redshift_DescribeClusters(self, request: dict[str, Any]) -> dict[str, Any]:
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

    def redshift_DescribeLoggingStatus(self, request: dict[str, Any]) -> dict[str, Any]:
        logging = self._cluster(request["ClusterIdentifier"])["logging"]
        return {"LoggingEnabled": False} if logging is None else {"LoggingEnabled": True, **logging}

    def redshift_EnableLogging(self, request: dict[str, Any]) -> dict[str, Any]:
        record = self._cluster(request["ClusterIdentifier"], "available")
        record["logging"] = {key: request[key] for key in ("LogDestinationType", "LogExports")}
        return {"LoggingEnabled": True}

    def redshift_ModifyCluster(self, request: dict[str, Any]) -> dict[str, Any]:
        record = self._cluster(request["ClusterIdentifier"], "available")
        for key, value in request.items():
            match key:
                case "ClusterIdentifier":
                    pass
                case "Encrypted" if not value:
                    raise RefusedError("InvalidParameterValue", "encryption cannot be turned off")
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

    def redshift_ModifyClusterIamRoles(self, request: dict[str, Any]) -> dict[str, Any]:
        record = self._cluster(request["ClusterIdentifier"], "available")
        roles = {one["IamRoleArn"] for one in record["IamRoles"]} - set(request.get("RemoveIamRoles", []))
        for role in request.get("AddIamRoles", []):
            self._check_role(role, "redshift.amazonaws.com")
            roles.add(role)
        record["IamRoles"] = [{"IamRoleArn": role, "ApplyStatus": "in-sync"} for role in sorted(roles)]
        self._goes(request, "modifying")
        return {}

    def redshift_RebootCluster(self, request: dict[str, Any]) -> dict[str, Any]:
        record = self._cluster(request["ClusterIdentifier"], "available")
        record["ClusterParameterGroups"][0]["ParameterApplyStatus"] = "in-sync"
        self._goes(request, "rebooting")
        return {}

    def redshift_ResizeCluster(self, request: dict[str, Any]) -> dict[str, Any]:
        record = self._cluster(request["ClusterIdentifier"], "available")
        if request["NodeType"] not in self.node_types:
            raise RefusedError("UnsupportedOptionFault", request["NodeType"])
        record.update(NodeType=request["NodeType"], NumberOfNodes=request["NumberOfNodes"])
        self._goes(request, "resizing")
        return {}

    def redshift_PauseCluster(self, request: dict[str, Any]) -> dict[str, Any]:
        self._cluster(request["ClusterIdentifier"], "available")["resting"] = "paused"
        self._goes(request, "pausing")
        return {}

    def redshift_ResumeCluster(self, request: dict[str, Any]) -> dict[str, Any]:
        del self._cluster(request["ClusterIdentifier"], "paused")["resting"]
        self._goes(request, "resuming")
        return {}

    def redshift_DeleteCluster(self, request: dict[str, Any]) -> dict[str, Any]:
        self._cluster(request["ClusterIdentifier"], "available", "paused", "incompatible-network")
        last = request.get("FinalClusterSnapshotIdentifier")
        if bool(last) == request["SkipFinalClusterSnapshot"]:
            raise RefusedError("InvalidParameterCombination", "a final snapshot, or none")
        if last:
            self._keep_snapshot(last, request["FinalClusterSnapshotRetentionPeriod"])
        self._goes(request, *(["final-snapshot"] if last else []), "deleting")
        return {}

    def redshift_DescribeClusterSnapshots(self, request: dict[str, Any]) -> dict[str, Any]:
        named = [name for name in self.snapshots if not name.startswith("serverless:")]
        cluster = request["ClusterIdentifier"]
        return {"Snapshots": [{"SnapshotIdentifier": name, "ClusterIdentifier": cluster, "Tags": []} for name in named]}

    def redshift_CreateTags(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ResourceName"].rpartition("/")[2]
        if name not in self.snapshots:
            raise RefusedError("ResourceNotFoundFault", name)
        self.snapshot_tags[name] = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        return {}
