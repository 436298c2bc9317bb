"""The stack's commands as tests call them: one connection for many accounts, and a clock that does not wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_state import AwsState, aws_in_this_process

from infra.apply import carry_out, tear_down
from infra.aws import Aws, aws_errors, connect
from infra.plan import Plan, make_plan, plan_to_delete
from infra.resource import Context
from infra.settings import InfraSettings, read_infra_settings
from infra.stack import online_context

PROJECT_ROOT = Path(__file__).resolve().parents[2]
CONFIG = yaml.safe_load((PROJECT_ROOT / "invoke.yaml").read_text(encoding="utf-8"))
OWN_ADDRESS = IPv4Network("203.0.113.7/32")


def settings_with(**changes: Any) -> InfraSettings:
    settings = read_infra_settings(CONFIG, **changes)
    if settings.public and settings.ingress_cidr is None:
        return replace(settings, ingress_cidr=OWN_ADDRESS)
    return settings


@dataclass
class Account:
    """An account of AWS and a sign-in to it."""

    state: AwsState
    aws: Aws

    def settings(self, **changes: Any) -> InfraSettings:
        return settings_with(**changes)

    def context(self, settings: InfraSettings) -> Context:
        return online_context(settings, self.aws, self.state.clock)

    def plan(self, settings: InfraSettings) -> Plan:
        with aws_errors():
            return make_plan(self.context(settings))

    def up(self, settings: InfraSettings, *, may_replace: bool = False) -> Plan:
        with aws_errors():
            plan = make_plan(self.context(settings))
            plan.check(may_replace=may_replace)
            carry_out(plan, lambda _: None)
        return plan

    def down(self, settings: InfraSettings, *, take_snapshot: bool = True) -> str:
        with aws_errors():
            plan = plan_to_delete(self.context(settings))
            return tear_down(plan, take_snapshot=take_snapshot, report=lambda _: None)


@pytest.fixture(scope="module")
def signed_in() -> Iterator[Account]:
    with aws_in_this_process() as state:
        yield Account(state, connect(settings_with()))


@pytest.fixture
def account(signed_in: Account) -> Account:
    signed_in.state.reset()
    return signed_in
