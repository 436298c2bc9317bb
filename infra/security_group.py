"""The security group: who may connect to the warehouse, and on which port."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.aws import ignoring, tag_map
from infra.ec2 import Ec2Resource
from infra.resource import Context, Found


class SecurityGroup(Ec2Resource):
    kind = "security group"
    resource_type = "security-group"

    def wanted(self) -> dict[str, object]:
        port, own = self.settings.port, self.context.id_of("security group")
        network = self.settings.ingress_cidr
        return {
            "inbound rules": sorted([f"port {port} from {own}", *([f"port {port} from {network}"] if network else [])])
        }

    def describe(self, filters: list[dict[str, Any]]) -> list[Found]:
        found = []
        for group in self.ec2.describe_security_groups(Filters=filters)["SecurityGroups"]:
            rules = [_rule_text(rule, origin) for rule in group["IpPermissions"] for origin in _origins(rule)]
            found.append(Found(group["GroupId"], {"inbound rules": sorted(rules)}, tag_map(group["Tags"])))
        return found

    def create(self) -> None:
        with ignoring("InvalidGroup.Duplicate"):
            self.ec2.create_security_group(
                GroupName=self.name,
                Description="Who may reach the warehouse",
                VpcId=self.context.id_of("vpc"),
                TagSpecifications=self.tag_specifications,
            )

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        """Revoke the rules that are not wanted, then add those that are missing."""
        wanted: list[str] = differences["inbound rules"]
        group = self.ec2.describe_security_groups(GroupIds=[found.id])["SecurityGroups"][0]
        here: dict[str, dict[str, Any]] = {
            _rule_text(rule, origin): {**_range_of(rule), **origin}
            for rule in group["IpPermissions"]
            for origin in _origins(rule)
        }
        if closed := [rule for text, rule in here.items() if text not in wanted]:
            with ignoring("InvalidPermission.NotFound"):
                self.ec2.revoke_security_group_ingress(GroupId=found.id, IpPermissions=closed)
        if opened := [self._rule(text) for text in wanted if text not in here]:
            with ignoring("InvalidPermission.Duplicate"):
                self.ec2.authorize_security_group_ingress(GroupId=found.id, IpPermissions=opened)

    def _rule(self, text: str) -> dict[str, Any]:
        origin = text.rpartition(" ")[2]
        port = {"IpProtocol": "tcp", "FromPort": self.settings.port, "ToPort": self.settings.port}
        if origin.startswith("sg-"):
            return {**port, "UserIdGroupPairs": [{"GroupId": origin}]}
        return {**port, "IpRanges": [{"CidrIp": origin, "Description": "infra.ingress_cidr"}]}

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("InvalidGroup.NotFound"):
            self.ec2.delete_security_group(GroupId=found.id)


def _range_of(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {name: rule[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in rule}


def _origins(rule: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each origin of a rule, in the form of a rule with that origin alone."""
    return (
        [{"IpRanges": [{"CidrIp": origin["CidrIp"]}]} for origin in rule.get("IpRanges", [])]
        + [{"Ipv6Ranges": [{"CidrIpv6": origin["CidrIpv6"]}]} for origin in rule.get("Ipv6Ranges", [])]
        + [{"PrefixListIds": [{"PrefixListId": one["PrefixListId"]}]} for one in rule.get("PrefixListIds", [])]
        + [{"UserIdGroupPairs": [{"GroupId": one["GroupId"]}]} for one in rule.get("UserIdGroupPairs", [])]
    )


def _rule_text(rule: Mapping[str, Any], origin: Mapping[str, Any]) -> str:
    [[where]] = [list(one.values()) for one in next(iter(origin.values()))]
    ports = {rule.get("FromPort"), rule.get("ToPort")}
    port = f"port {ports.pop()}" if len(ports) == 1 and rule["IpProtocol"] == "tcp" else f"{rule['IpProtocol']} {ports}"
    return f"{port} from {where}"


def security_group(context: Context) -> SecurityGroup:
    """The security group; its purpose names who may connect."""
    if context.settings.ingress_cidr:
        why = f"Allows {context.settings.ingress_cidr} and members of this group, on one port"
    else:
        why = "Allows only members of this group, on one port; infra.public adds your own address"
    return SecurityGroup(context, "security group", why)
