"""What the settings refuse, before anything is asked of AWS."""

from __future__ import annotations

from datetime import timedelta

import pytest
from infra_stack import CONFIG, settings_with

from infra.errors import InfraUsageError
from infra.settings import read_infra_settings


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mode": "cluster"}, "infra.mode is 'cluster'; it must be provisioned or serverless"),
        ({"region": "us-west-9"}, "infra.region is 'us-west-9'; it must be a region that offers redshift"),
        ({"node_type": "dc2.large"}, "AWS no longer sells dc2"),
        ({"node_type": "m5.large"}, "infra.node_type is 'm5.large'; it must be rg.large or"),
        ({"nodes": "0"}, "infra.nodes is '0'; it must be a whole number"),
        ({"nodes": "two"}, "infra.nodes is 'two'"),
        ({"node_type": "rg.xlarge"}, "infra.nodes is 1; it must be 2 to 32 for rg.xlarge"),
        ({"multi_az": "true"}, "infra.multi_az is 'true'; it needs two or more ra3 nodes"),
        ({"multi_az": "perhaps"}, "true or false"),
        ({"mode": "serverless", "base_capacity": 12}, "8 to 512 RPU in steps of 8"),
        ({"mode": "serverless", "base_capacity": 32}, "at least infra.base_capacity"),
        ({"mode": "serverless", "usage_limit": 0}, "infra.usage_limit is '0'"),
        ({"project": "Sparkify"}, "infra.project is 'Sparkify'; it must be 3 to 20 lowercase letters"),
        ({"project": "spark--ify"}, "single hyphens"),
        ({"project": "x'; drop"}, "infra.project"),
        ({"database": "select"}, "it must not be a name that Redshift reserves"),
        ({"database": "my-db"}, "1 to 64 lowercase letters"),
        ({"admin": "awsuser"}, "it must not be a default name, which attackers try first"),
        ({"admin": 'a"b'}, "infra.admin"),
        ({"port": 5432 + 100}, "it must be 5431 to 5455 or 8191 to 8215"),
        ({"ingress_cidr": "0.0.0.0/0"}, "also set infra.open_to_the_world"),
        ({"ingress_cidr": "10.0.0.1/8"}, "with no bits set beyond its mask"),
        ({"ingress_cidr": "::1/128"}, "an IPv4 range"),
        ({"vpc_cidr": "8.8.8.0/24"}, "a private range of /16 to /24"),
        ({"subnets": "subnet-1"}, "IDs such as subnet-0a1b2c3d"),
        ({"subnets": "subnet-0a1b2c3d"}, "at least 2, each in a different zone"),
        ({"mode": "serverless", "subnets": "subnet-0a1b2c3d,subnet-0a1b2c3e"}, "at least 3"),
        ({"source_buckets": "Bad_Bucket"}, "a bucket name"),
        ({"source_buckets": "good/bad prefix*"}, "bucket/prefix"),
        ({"bucket": "192.168.0.1"}, "infra.bucket is '192.168.0.1'"),
        ({"kms_key": "alias/mine"}, "the ARN of a key"),
        ({"snapshot_days": 1}, "infra.snapshot_days is '1'; it must be a whole number from 7 to 35"),
        ({"final_snapshot_days": 0}, "infra.final_snapshot_days is 0"),
        ({"log_days": 42}, "a period that CloudWatch offers"),
        ({"ttl": "8 hours"}, "hours or days such as 8h or 3d"),
        ({"colour": "blue"}, "Unknown setting infra.colour"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line_that_names_key_and_cure(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InfraUsageError) as refused:
        settings_with(**changes)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_everybody_is_let_in_only_where_it_was_said_twice() -> None:
    settings = settings_with(ingress_cidr="0.0.0.0/0", open_to_the_world="true")
    assert str(settings.ingress_cidr) == "0.0.0.0/0"


def test_the_source_that_is_loaded_from_may_be_read_too() -> None:
    settings = read_infra_settings(
        {**CONFIG, "source": "s3://songs/2018"}, source_buckets="events, s3://songs/2018, logs/a/b"
    )
    assert settings.source_buckets == (("events", ""), ("songs", "2018"), ("logs", "a/b"))


def test_settings_from_the_environment_are_text() -> None:
    settings = settings_with(mode="serverless", public="true", nodes="3", base_capacity="4", ttl="3d")
    assert (settings.public, settings.nodes, settings.base_capacity, settings.ttl) == (True, 3, 4, timedelta(days=3))
