"""What each command prints and asks: standard output for what is asked for, standard error for all around it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from urllib.error import URLError
from urllib.request import urlopen

from rich.console import Console
from rich.text import Text

from infra import view
from infra.apply import Report, carry_out, tear_down
from infra.aws import Aws, Clock, aws_errors, connect
from infra.connection import connection
from infra.errors import DRIFT, InfraError, InfraUsageError
from infra.operate import find_tagged, look, with_size
from infra.operate import pause as pause_cluster
from infra.operate import resize as resize_warehouse
from infra.operate import resume as resume_cluster
from infra.operator_policy import operator_policies
from infra.plan import make_plan, plan_to_delete
from infra.prices import cost_line
from infra.resource import Context
from infra.settings import InfraSettings
from infra.stack import offline_context, online_context

_WHO_AM_I = "https://checkip.amazonaws.com"


def plan(settings: InfraSettings, *, offline: bool = False) -> None:
    """Print what infra.up would do."""
    if offline:
        made = make_plan(offline_context(settings, Clock()))
    else:
        with _signed_in(settings) as context:
            made = make_plan(context)
    out = Console(highlight=False, width=None if sys.stdout.isatty() else 130)
    out.print(view.plan_table(made))
    print(view.plan_words(made))


def up(settings: InfraSettings, *, may_replace: bool = False, name: str = "") -> None:
    """Bring about the plan; print what leads to the warehouse, as a shell takes it."""
    with _signed_in(settings) as context:
        made = make_plan(context)
        made.check(may_replace=may_replace)
        say = _console()
        say.print(view.plan_table(made))
        if may_replace and any(step.loses_data for step in made.steps):
            _ask_for_name(settings, name, "Data will be taken away; a final snapshot stays.")
        with _live(say) as report:
            snapshot = carry_out(made, report)
        if snapshot:
            say.print(f"The final snapshot of what had to go is {snapshot}.")
        say.print(f"{settings.project} is there. {cost_line(made.cost, settings.region)}", soft_wrap=True)
        if not settings.public:
            say.print("It is private: the next commands work from inside its network (see infra.public).")
        say.print('To use it: eval "$(./inv infra.status --exports)", then ./inv load, dbt run, dbt test.')
        print(connection(context).exports)


def status(settings: InfraSettings, *, exports: bool = False) -> int:
    """Print what there is; return the exit code, which tells where something is not as planned."""
    with _signed_in(settings) as context:
        if exports:
            print(connection(context).exports)
            return 0
        found = look(context)
        print(view.status_words(found))
        return DRIFT if found.not_as_planned else 0


def pause(settings: InfraSettings) -> None:
    with _signed_in(settings) as context, _live(_console()) as report:
        pause_cluster(context, report)
    print("Paused. Only storage is paid for until ./inv infra.resume.")


def resume(settings: InfraSettings) -> None:
    with _signed_in(settings) as context, _live(_console()) as report:
        resume_cluster(context, report)
    print("Awake.")


def resize(
    settings: InfraSettings, *, nodes: str = "", node_type: str = "", base_capacity: str = "", max_capacity: str = ""
) -> None:
    """Bring the warehouse to the settings' size, which the flags are in already."""
    with_size(settings, nodes=nodes, node_type=node_type, base_capacity=base_capacity, max_capacity=max_capacity)
    with _signed_in(settings) as context, _live(_console()) as report:
        resize_warehouse(context, report)
    keys = {"nodes": nodes, "node_type": node_type, "base_capacity": base_capacity, "max_capacity": max_capacity}
    changed = ", ".join(f"infra.{key}: {value}" for key, value in keys.items() if value)
    print(f"Resized. Put {changed} into invoke.yaml, or the next infra.up takes it back.")


def down(settings: InfraSettings, *, name: str = "", take_snapshot: bool = True) -> None:
    """Delete everything of the project in the region, after its name was given, and look whether anything remains."""
    with _signed_in(settings, check_offer=False) as context:
        made = plan_to_delete(context)
        say = _console()
        if not made.steps:
            print(f"There is nothing of {settings.project} in {settings.region}.")
        else:
            say.print(view.plan_table(made))
            _ask_for_name(settings, name, view.deletion_words(made, take_snapshot=take_snapshot))
            with _live(say) as report:
                snapshot = tear_down(made, take_snapshot=take_snapshot, report=report)
            print(f"{len(made.steps)} deleted.{f' The final snapshot is {snapshot}.' if snapshot else ''}")
        _say_what_remains(context)


def _say_what_remains(context: Context) -> None:
    remains = find_tagged(context)
    if remains:
        print("What remains, and may cost:")
        Console(highlight=False, width=200).print(view.remains_table(remains))
    else:
        print("Looked again: nothing remains.")


def find(settings: InfraSettings) -> None:
    """Print whatever bears the project's tag."""
    with _signed_in(settings, check_offer=False) as context:
        remains = find_tagged(context)
    if not remains:
        print(f"Nothing bears the tag of {settings.project} in {settings.region}.")
        return
    Console(highlight=False, width=200).print(view.remains_table(remains))


def policy(settings: InfraSettings, *, account: str = "") -> None:
    """Print the least policies that an operator of this stack needs, as JSON; works offline if the account is named."""
    if not account:
        with aws_errors():
            account = connect(settings).account
    if not (account.isdigit() and len(account) == 12):
        raise InfraUsageError(f"--account takes the account's 12 digits, not {account!r}.")
    partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(
        settings.region.rpartition("-")[0].rpartition("-")[0], "aws"
    )
    print(json.dumps(operator_policies(settings, account=account, partition=partition), indent=2))


@contextmanager
def _signed_in(settings: InfraSettings, *, check_offer: bool = True) -> Iterator[Context]:
    """A context on AWS, with this machine's address where only that is to be let in; refusals become one line."""
    if check_offer and settings.public and settings.ingress_cidr is None:
        settings = replace(settings, ingress_cidr=own_address())
    with aws_errors():
        aws: Aws = connect(settings)
        # What is to be deleted must not hang on what may be bought.
        yield online_context(settings, aws, Clock()) if check_offer else Context(settings, aws, Clock(), ("", "", ""))


def own_address() -> IPv4Network:
    """The address that this machine shows to the internet, as AWS sees it."""
    try:
        with urlopen(_WHO_AM_I, timeout=10) as answer:
            return IPv4Network(IPv4Address(answer.read(64).decode().strip()))
    except (URLError, ValueError, OSError) as error:
        raise InfraError(
            f"{_WHO_AM_I} did not tell this machine's address ({error}). "
            "Name it: INVOKE_INFRA_INGRESS_CIDR=203.0.113.7/32."
        ) from error


def _ask_for_name(settings: InfraSettings, name: str, text: str) -> None:
    if not name and sys.stdin.isatty():
        print(f"{text} Type the project's name to go on: ", end="", file=sys.stderr, flush=True)
        name = sys.stdin.readline().strip()
    if name != settings.project:
        raise InfraError(f"Nothing was done: {text} Give the project's name, --name {settings.project}, to go on.")


def _console() -> Console:
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 130)


@contextmanager
def _live(console: Console) -> Iterator[Report]:
    """One live line on a terminal, a line for each new thing elsewhere."""
    if not console.is_terminal:
        last = ""

        def report(text: str) -> None:
            nonlocal last
            if text != last:
                console.print(Text(view.plain(text)), soft_wrap=True)
            last = text

        yield report
        return
    began = time.monotonic()

    def update(text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        live.update(Text(f"{view.plain(text)} ({minutes}:{seconds:02})"))

    with console.status("…") as live:
        yield update
