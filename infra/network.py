"""The network of the warehouse: its own VPC, with a route to S3 only, or existing subnets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.aws import ignoring, tag_map
from infra.ec2 import Ec2Resource
from infra.errors import InfraUsageError
from infra.resource import Context, Found, Resource, State
from infra.security_group import security_group


class Vpc(Ec2Resource):
    kind = "VPC"
    resource_type = "vpc"
    fixed = frozenset({"range"})

    def wanted(self) -> dict[str, object]:
        return {"range": str(self.settings.vpc_cidr), "DNS names": True}

    def describe(self, filters: list[dict[str, Any]]) -> list[Found]:
        found = []
        for vpc in self.ec2.describe_vpcs(Filters=filters)["Vpcs"]:
            names = self.ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute="enableDnsHostnames")
            attributes = {"range": vpc["CidrBlock"], "DNS names": names["EnableDnsHostnames"]["Value"]}
            found.append(Found(vpc["VpcId"], attributes, tag_map(vpc["Tags"])))
        return found

    def create(self) -> None:
        self.ec2.create_vpc(CidrBlock=str(self.settings.vpc_cidr), TagSpecifications=self.tag_specifications)

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        self.ec2.modify_vpc_attribute(VpcId=found.id, EnableDnsHostnames={"Value": True})

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("InvalidVpcID.NotFound"):
            self.ec2.delete_vpc(VpcId=found.id)


class InternetGateway(Ec2Resource):
    kind = "internet gateway"
    resource_type = "internet-gateway"

    def wanted(self) -> dict[str, object]:
        return {"attached to": self.context.id_of("vpc")}

    def describe(self, filters: list[dict[str, Any]]) -> list[Found]:
        return [
            Found(
                gateway["InternetGatewayId"],
                {"attached to": next((place["VpcId"] for place in gateway.get("Attachments", [])), None)},
                tag_map(gateway["Tags"]),
            )
            for gateway in self.ec2.describe_internet_gateways(Filters=filters)["InternetGateways"]
        ]

    def create(self) -> None:
        self.ec2.create_internet_gateway(TagSpecifications=self.tag_specifications)

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        self.ec2.attach_internet_gateway(InternetGatewayId=found.id, VpcId=differences["attached to"])

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("InvalidInternetGatewayID.NotFound"):
            if found.attributes["attached to"]:
                with ignoring("Gateway.NotAttached"):
                    vpc = found.attributes["attached to"]
                    self.ec2.detach_internet_gateway(InternetGatewayId=found.id, VpcId=vpc)
            self.ec2.delete_internet_gateway(InternetGatewayId=found.id)


class Subnet(Ec2Resource):
    kind = "subnet"
    resource_type = "subnet"
    fixed = frozenset({"range"})

    def __init__(self, context: Context, number: int) -> None:
        super().__init__(context, f"subnet {number}", "Holds nodes in one zone; Redshift needs several zones")
        self._number = number

    @property
    def zone(self) -> str:
        return self.context.zones[self._number - 1]

    def wanted(self) -> dict[str, object]:
        # Each is a quarter of the VPC. An existing subnet keeps its zone.
        return {"range": str(list(self.settings.vpc_cidr.subnets(prefixlen_diff=2))[self._number - 1])}

    def describe(self, filters: list[dict[str, Any]]) -> list[Found]:
        return [
            Found(subnet["SubnetId"], {"range": subnet["CidrBlock"]}, tag_map(subnet["Tags"]))
            for subnet in self.ec2.describe_subnets(Filters=filters)["Subnets"]
        ]

    def create(self) -> None:
        self.ec2.create_subnet(
            VpcId=self.context.id_of("vpc"),
            CidrBlock=self.wanted()["range"],
            AvailabilityZone=self.zone,
            TagSpecifications=self.tag_specifications,
        )

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("InvalidSubnetID.NotFound"):
            self.ec2.delete_subnet(SubnetId=found.id)


class RouteTable(Ec2Resource):
    kind = "route table"
    resource_type = "route-table"

    def wanted(self) -> dict[str, object]:
        gateway = self.context.id_of("internet gateway") if self.settings.public else None
        return {
            "subnets": sorted(self.context.id_of(f"subnet {number}") for number in (1, 2, 3)),
            "internet route": gateway,
        }

    def describe(self, filters: list[dict[str, Any]]) -> list[Found]:
        found = []
        for table in self.ec2.describe_route_tables(Filters=filters)["RouteTables"]:
            places = {place["SubnetId"] for place in table.get("Associations", []) if "SubnetId" in place}
            out = [
                route.get("GatewayId")
                for route in table.get("Routes", [])
                if route.get("DestinationCidrBlock") == "0.0.0.0/0"
            ]
            attributes = {"subnets": sorted(places), "internet route": out[0] if out else None}
            found.append(Found(table["RouteTableId"], attributes, tag_map(table["Tags"])))
        return found

    def create(self) -> None:
        self.ec2.create_route_table(VpcId=self.context.id_of("vpc"), TagSpecifications=self.tag_specifications)

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        here = found.attributes["subnets"]
        for subnet in differences.get("subnets", []):
            if subnet not in here:
                self.ec2.associate_route_table(RouteTableId=found.id, SubnetId=subnet)
        if "internet route" in differences:
            everywhere = {"RouteTableId": found.id, "DestinationCidrBlock": "0.0.0.0/0"}
            if found.attributes["internet route"]:
                self.ec2.delete_route(**everywhere)
            if differences["internet route"]:
                self.ec2.create_route(**everywhere, GatewayId=differences["internet route"])

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("InvalidRouteTableID.NotFound", "InvalidAssociationID.NotFound"):
            for table in self.ec2.describe_route_tables(RouteTableIds=[found.id])["RouteTables"]:
                for place in table.get("Associations", []):
                    self.ec2.disassociate_route_table(AssociationId=place["RouteTableAssociationId"])
            self.ec2.delete_route_table(RouteTableId=found.id)


class S3Endpoint(Ec2Resource):
    kind = "S3 endpoint"
    resource_type = "vpc-endpoint"

    def wanted(self) -> dict[str, object]:
        return {"route tables": [self.context.id_of("route table")]}

    def describe(self, filters: list[dict[str, Any]]) -> list[Found]:
        return [
            Found(
                endpoint["VpcEndpointId"],
                {"route tables": endpoint.get("RouteTableIds", [])},
                tag_map(endpoint["Tags"]),
                {"pending": State.BUSY, "deleting": State.LEAVING}.get(endpoint["State"].lower(), State.READY),
                endpoint["State"],
            )
            for endpoint in self.ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
            if endpoint["State"].lower() != "deleted"
        ]

    def create(self) -> None:
        self.ec2.create_vpc_endpoint(
            VpcEndpointType="Gateway",
            VpcId=self.context.id_of("vpc"),
            ServiceName=f"com.amazonaws.{self.settings.region}.s3",
            RouteTableIds=[self.context.id_of("route table")],
            TagSpecifications=self.tag_specifications,
        )

    def change(self, found: Found, differences: Mapping[str, Any]) -> None:
        here = found.attributes["route tables"]
        wanted = differences["route tables"]
        self.ec2.modify_vpc_endpoint(
            VpcEndpointId=found.id,
            AddRouteTableIds=[table for table in wanted if table not in here],
            RemoveRouteTableIds=[table for table in here if table not in wanted],
        )

    def delete(self, found: Found, *, snapshot: str = "") -> None:
        with ignoring("InvalidVpcEndpointId.NotFound"):
            self.ec2.delete_vpc_endpoints(VpcEndpointIds=[found.id])


def network(context: Context) -> list[Resource]:
    """The resources of the network in the order of creation."""
    if context.settings.subnets:
        return [security_group(context)]
    gateway = [_gateway(context)] if context.settings.public else []
    return [
        Vpc(context, "vpc", "The warehouse's own network, closed to the internet"),
        *gateway,
        *(Subnet(context, number) for number in (1, 2, 3)),
        RouteTable(context, "route table", "Routes the subnets to S3, and to the internet only with infra.public"),
        S3Endpoint(context, "s3 endpoint", "Lets COPY reach S3 without an internet route; free"),
        security_group(context),
    ]


def _gateway(context: Context) -> InternetGateway:
    return InternetGateway(context, "internet gateway", "infra.public: lets your machine reach the warehouse")


def use_existing_subnets(context: Context) -> None:
    """Check the subnets of infra.subnets and use them and their VPC, without ever changing them.

    Raises:
        InfraUsageError: they are not in one VPC, or two share a zone.
    """
    names = list(context.settings.subnets)
    subnets = context.online.client("ec2").describe_subnets(SubnetIds=names)["Subnets"]
    vpcs, zones = {subnet["VpcId"] for subnet in subnets}, [subnet["AvailabilityZone"] for subnet in subnets]
    if len(vpcs) != 1 or len(set(zones)) != len(zones):
        raise InfraUsageError(
            f"infra.subnets: {', '.join(names)} are in {', '.join(sorted(vpcs))}, zones {', '.join(sorted(zones))}. "
            "Choose subnets of one VPC, each in a different zone."
        )
    context.ids["vpc"] = vpcs.pop()
