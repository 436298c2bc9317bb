"""The settings of the stack: read once from Invoke's configuration and checked before the first call to AWS."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, ip_network
from typing import Any

from infra.errors import InfraUsageError

MODES = ("provisioned", "serverless")
# Minimum and maximum number of nodes of each type. Only the small types allow one node; AWS no longer sells dc2.
NODE_COUNTS = {
    "rg.large": (1, 16),
    "rg.xlarge": (2, 32),
    "rg.4xlarge": (2, 64),
    "rg.12xlarge": (2, 128),
    "ra3.large": (1, 16),
    "ra3.xlplus": (1, 32),
    "ra3.4xlarge": (2, 64),
    "ra3.16xlarge": (2, 128),
}
PORTS = (range(5431, 5456), range(8191, 8216))
LOGS = ("connectionlog", "userlog", "useractivitylog")
DEFAULT_ADMINS = ("awsuser", "admin")
RESERVED_NAMES = (
    "public",
    "template0",
    "template1",
    "padb_harvest",
    "sys",
    "user",
    "default",
    "all",
    "table",
    "select",
)
_UNITS = {"h": "hours", "d": "days"}
_YES, _NO = ("true", "yes", "1", "on"), ("false", "no", "0", "off", "")


@dataclass(frozen=True)
class InfraSettings:
    """The stack to build. Each field is a key of infra in invoke.yaml, which explains it.

    source_buckets has a (bucket, prefix) pair for each source; the prefix is "" for a whole bucket.
    """

    project: str
    mode: str
    region: str
    node_type: str
    nodes: int
    multi_az: bool
    base_capacity: int
    max_capacity: int
    usage_limit: int
    database: str
    admin: str
    port: int
    public: bool
    ingress_cidr: IPv4Network | None
    vpc_cidr: IPv4Network
    subnets: tuple[str, ...]
    source_buckets: tuple[tuple[str, str], ...]
    bucket: str
    kms_key: str
    snapshot_days: int
    final_snapshot_days: int
    log_days: int
    ttl: timedelta | None

    @property
    def is_serverless(self) -> bool:
        return self.mode == "serverless"

    @property
    def roles_path(self) -> str:
        """The IAM path of the project's roles, which lists them: the tag search leaves roles out."""
        return f"/{self.project}/"


def read_infra_settings(config: Mapping[str, Any], **flags: Any) -> InfraSettings:
    """Read the settings from Invoke's configuration; flags take precedence.

    Raises:
        InfraUsageError: a value is not allowed; the message names its key and the values that are.
    """
    values = {**config["infra"], **{name: value for name, value in flags.items() if value not in (None, "")}}
    known = set(InfraSettings.__dataclass_fields__) | {"open_to_the_world"}
    if unknown := sorted(set(values) - known):
        raise InfraUsageError(f"Unknown setting infra.{unknown[0]}. invoke.yaml lists all settings.")
    text = {name: str(value).strip() for name, value in values.items()}
    settings = InfraSettings(
        project=_matching(
            text, "project", r"[a-z](?:-?[a-z0-9]){2,19}", "3 to 20 lowercase letters, digits, single hyphens"
        ),
        mode=_one_of(text, "mode", MODES),
        region=_region(text),
        node_type=_node_type(text),
        nodes=_whole(text, "nodes", 1, 128),
        multi_az=_flag(text, "multi_az"),
        base_capacity=_whole(text, "base_capacity", 4, 512),
        max_capacity=_whole(text, "max_capacity", 8, 5632),
        usage_limit=_whole(text, "usage_limit", 1, 1_000_000),
        database=_matching(text, "database", r"[a-z]{1,64}", "1 to 64 lowercase letters"),
        admin=_matching(text, "admin", r"[a-z][a-z0-9_]{0,126}", "lowercase letters, digits and _"),
        port=_port(text),
        public=_flag(text, "public"),
        ingress_cidr=_ingress(text),
        vpc_cidr=_vpc_cidr(text),
        subnets=_subnets(text),
        source_buckets=_sources(text["source_buckets"], str(config.get("source", ""))),
        bucket=_bucket(text["bucket"], "infra.bucket") if text["bucket"] else "",
        kms_key=_kms_key(text),
        snapshot_days=_whole(text, "snapshot_days", 7, 35),
        final_snapshot_days=_whole(text, "final_snapshot_days", -1, 3653),
        log_days=_log_days(text),
        ttl=_ttl(text),
    )
    _check_together(settings)
    return settings


def _check_together(settings: InfraSettings) -> None:
    for key, value in (("database", settings.database), ("admin", settings.admin)):
        if value in RESERVED_NAMES:
            raise _wrong(key, value, "must not be a name that Redshift reserves")
    if settings.admin in DEFAULT_ADMINS:
        raise _wrong("admin", settings.admin, "must not be a default name, which attackers try first")
    if settings.final_snapshot_days == 0:
        raise _wrong(
            "final_snapshot_days", 0, "must be 1 to 3653, or -1 to keep it; infra.down --no-snapshot takes none"
        )
    if settings.is_serverless:
        if settings.base_capacity != 4 and settings.base_capacity % 8:
            raise _wrong("base_capacity", settings.base_capacity, "must be 4 RPU, or 8 to 512 RPU in steps of 8")
        if settings.max_capacity % 8 or settings.max_capacity < settings.base_capacity:
            raise _wrong("max_capacity", settings.max_capacity, "must be a multiple of 8, at least infra.base_capacity")
    else:
        least, most = NODE_COUNTS[settings.node_type]
        if not least <= settings.nodes <= most:
            raise _wrong("nodes", settings.nodes, f"must be {least} to {most} for {settings.node_type}")
        if settings.multi_az and (settings.nodes < 2 or not settings.node_type.startswith("ra3.")):
            raise _wrong("multi_az", "true", "needs two or more ra3 nodes (infra.node_type, infra.nodes)")
    if settings.subnets and len(settings.subnets) < (least_zones := 3 if settings.is_serverless else 2):
        raise _wrong("subnets", ",".join(settings.subnets), f"must be at least {least_zones}, each in a different zone")


def _wrong(key: str, value: object, rule: str) -> InfraUsageError:
    return InfraUsageError(
        f"infra.{key} is {value!r}; it {rule}. Change it in invoke.yaml or with INVOKE_INFRA_{key.upper()}."
    )


def _matching(text: Mapping[str, str], key: str, pattern: str, meaning: str) -> str:
    if not re.fullmatch(pattern, text[key]):
        raise _wrong(key, text[key], f"must be {meaning}")
    return text[key]


def _one_of(text: Mapping[str, str], key: str, choices: tuple[str, ...]) -> str:
    if text[key] not in choices:
        raise _wrong(key, text[key], f"must be {' or '.join(choices)}")
    return text[key]


def _whole(text: Mapping[str, str], key: str, least: int, most: int) -> int:
    if not re.fullmatch(r"-?\d{1,7}", text[key]) or not least <= int(text[key]) <= most:
        raise _wrong(key, text[key], f"must be a whole number from {least} to {most}")
    return int(text[key])


def _flag(text: Mapping[str, str], key: str) -> bool:
    if (value := text[key].lower()) not in (*_YES, *_NO):
        raise _wrong(key, text[key], "must be true or false")
    return value in _YES


def _region(text: Mapping[str, str]) -> str:
    service = "redshift-serverless" if text["mode"] == "serverless" else "redshift"
    if text["region"] not in _regions(service):
        raise _wrong("region", text["region"], f"must be a region that offers {service}, such as us-west-2")
    return text["region"]


@functools.cache
def _regions(service: str) -> frozenset[str]:
    """All regions of all partitions that offer the service, from boto3's own list."""
    import boto3

    session = boto3.Session()
    partitions = session.get_available_partitions()
    return frozenset(region for one in partitions for region in session.get_available_regions(service, one))


def _node_type(text: Mapping[str, str]) -> str:
    if text["node_type"].startswith("dc2."):
        rule = "must be a type that AWS still sells, and AWS no longer sells dc2; rg.large is the smallest"
        raise _wrong("node_type", text["node_type"], rule)
    return _one_of(text, "node_type", tuple(NODE_COUNTS))


def _port(text: Mapping[str, str]) -> int:
    port = _whole(text, "port", 1, 65535)
    if not any(port in ports for ports in PORTS):
        raise _wrong("port", port, "must be 5431 to 5455 or 8191 to 8215, the ports that Redshift allows")
    return port


def _network(text: Mapping[str, str], key: str) -> IPv4Network:
    try:
        network = ip_network(text[key])
    except ValueError:
        rule = "must be an IPv4 range such as 203.0.113.7/32, with no bits set beyond its mask"
        raise _wrong(key, text[key], rule) from None
    if not isinstance(network, IPv4Network):
        raise _wrong(key, text[key], "must be an IPv4 range; the warehouse has no IPv6 address")
    return network


def _ingress(text: Mapping[str, str]) -> IPv4Network | None:
    if not text["ingress_cidr"]:
        return None
    network = _network(text, "ingress_cidr")
    if network.prefixlen == 0 and not _flag(text, "open_to_the_world"):
        rule = "must be narrower: /0 is the whole internet; to allow it, also set infra.open_to_the_world to true"
        raise _wrong("ingress_cidr", text["ingress_cidr"], rule)
    return network


def _vpc_cidr(text: Mapping[str, str]) -> IPv4Network:
    network = _network(text, "vpc_cidr")
    if not (16 <= network.prefixlen <= 24 and network.is_private):
        raise _wrong("vpc_cidr", text["vpc_cidr"], "must be a private range of /16 to /24, such as 10.83.0.0/20")
    return network


def _subnets(text: Mapping[str, str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(_split(text["subnets"])))
    for name in names:
        if not re.fullmatch(r"subnet-[0-9a-f]{8,17}", name):
            rule = "must be IDs such as subnet-0a1b2c3d, separated by commas, or empty to create subnets"
            raise _wrong("subnets", name, rule)
    return names


def _sources(text: str, source: str) -> tuple[tuple[str, str], ...]:
    """The buckets that COPY may read: those in the setting, and the one that the project loads from."""
    named = _split(text) + ([source.removeprefix("s3://")] if source.startswith("s3://") else [])
    pairs = []
    for name in named:
        bucket, _, prefix = name.removeprefix("s3://").partition("/")
        prefix = prefix.strip("/")
        if prefix and not re.fullmatch(r"[\w!.'()/-]+", prefix, re.ASCII):
            rule = "must be bucket/prefix, with only letters, digits and !-_.'()/ in the prefix"
            raise _wrong("source_buckets", name, rule)
        pairs.append((_bucket(bucket, "infra.source_buckets"), prefix))
    return tuple(dict.fromkeys(pairs))


def _bucket(name: str, key: str) -> str:
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]|\.(?![.-])){1,61}[a-z0-9]", name) or re.fullmatch(r"[\d.]+", name):
        rule = "must be a bucket name: 3 to 63 lowercase letters, digits, - and ."
        raise _wrong(key.removeprefix("infra."), name, rule)
    return name


def _kms_key(text: Mapping[str, str]) -> str:
    if text["kms_key"] and not re.fullmatch(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+", text["kms_key"]):
        raise _wrong(
            "kms_key", text["kms_key"], "must be the ARN of a key (arn:aws:kms:REGION:ACCOUNT:key/ID) or empty"
        )
    return text["kms_key"]


def _log_days(text: Mapping[str, str]) -> int:
    days = _whole(text, "log_days", 1, 3653)
    offered = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
    if days not in offered:
        raise _wrong("log_days", days, f"must be a period that CloudWatch offers: {', '.join(map(str, offered))}")
    return days


def _ttl(text: Mapping[str, str]) -> timedelta | None:
    if not text["ttl"]:
        return None
    match = re.fullmatch(r"([1-9]\d{0,3})([hd])", text["ttl"])
    if not match:
        raise _wrong("ttl", text["ttl"], "must be hours or days such as 8h or 3d, or empty to keep the stack")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
