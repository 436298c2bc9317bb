"""What each command prints and asks: results on standard output, everything else on standard error."""

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
from rich.table import Table
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
    _print_table(_out(130), view.plan_table(made))
    _out(120).print(Text(view.plan_words(made)))


def up(settings: InfraSettings, *, may_replace: bool = False, name: str = "") -> None:
    """Apply the plan; print the variables that lead to the warehouse, as shell exports."""
    with _signed_in(settings) as context:
        made = make_plan(context)
        made.check(may_replace=may_replace)
        say = _console()
        _print_table(say, view.plan_table(made))
        if may_replace and any(step.loses_data for step in made.steps):
            _ask_for_name(settings, name, "Data will be deleted, after a final snapshot.")
        with _live(say) as report:
            snapshot = carry_out(made, report)
        if snapshot:
            say.print(f"The final snapshot of the replaced warehouse is {snapshot}.")
        say.print(f"{settings.project} is up. {cost_line(made.cost, settings.region)}", soft_wrap=True)
        if not settings.public:
            say.print("It is private: run the next commands from inside its network (see infra.public).")
        say.print('Next: eval "$(./inv infra.status --exports)", then ./inv load, dbt run, dbt test.')
        print(connection(context).exports)


def status(settings: InfraSettings, *, exports: bool = False) -> int:
    """Print the state of the stack; return the exit code, which is DRIFT if anything differs from the plan."""
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
    print("Paused. Until ./inv infra.resume you pay only for storage.")


def resume(settings: InfraSettings) -> None:
    with _signed_in(settings) as context, _live(_console()) as report:
        resume_cluster(context, report)
    print("Running.")


def resize(
    settings: InfraSettings, *, nodes: str = "", node_type: str = "", base_capacity: str = "", max_capacity: str = ""
) -> None:
    """Resize the warehouse to the settings, which include the flags already."""
    with_size(settings, nodes=nodes, node_type=node_type, base_capacity=base_capacity, max_capacity=max_capacity)
    with _signed_in(settings) as context, _live(_console()) as report:
        resize_warehouse(context, report)
    keys = {"nodes": nodes, "node_type": node_type, "base_capacity": base_capacity, "max_capacity": max_capacity}
    changed = ", ".join(f"infra.{key}: {value}" for key, value in keys.items() if value)
    print(f"Resized. Put {changed} into invoke.yaml, or the next infra.up will undo it.")


def down(settings: InfraSettings, *, name: str = "", take_snapshot: bool = True) -> None:
    """Delete the project's resources in the region once its name was given, and list what remains."""
    with _signed_in(settings, check_offer=False) as context:
        made = plan_to_delete(context)
        say = _console()
        if not made.steps:
            print(f"Nothing to delete: {settings.project} has no resources in {settings.region}.")
        else:
            _print_table(say, view.plan_table(made))
            _ask_for_name(settings, name, view.deletion_words(made, take_snapshot=take_snapshot))
            with _live(say) as report:
                snapshot = tear_down(made, take_snapshot=take_snapshot, report=report)
            print(f"Deleted {view.counted(made)}.{f' The final snapshot is {snapshot}.' if snapshot else ''}")
        _say_what_remains(context)


def _say_what_remains(context: Context) -> None:
    remains = find_tagged(context)
    if remains:
        print("These resources remain and may cost money:")
        _print_table(_out(1000), view.remains_table(remains))
    else:
        print("Nothing of the project remains.")


def find(settings: InfraSettings) -> None:
    """Print all resources with the project's tag."""
    with _signed_in(settings, check_offer=False) as context:
        remains = find_tagged(context)
    if not remains:
        print(f"No resources with the tag of {settings.project} in {settings.region}.")
        return
    _print_table(_out(1000), view.remains_table(remains))


def policy(settings: InfraSettings, *, account: str = "") -> None:
    """Print the smallest policies that an operator needs, as JSON. Works offline if the account is given."""
    if not account:
        with aws_errors():
            account = connect(settings).account
    if not (account.isdigit() and len(account) == 12):
        raise InfraUsageError(f"--account is {account!r}; it must be the 12 digits of an AWS account.")
    partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(
        settings.region.rpartition("-")[0].rpartition("-")[0], "aws"
    )
    print(json.dumps(operator_policies(settings, account=account, partition=partition), indent=2))


@contextmanager
def _signed_in(settings: InfraSettings, *, check_offer: bool = True) -> Iterator[Context]:
    """A context on AWS. If only this machine may connect, its address is looked up. Errors of AWS become one line."""
    if check_offer and settings.public and settings.ingress_cidr is None:
        settings = replace(settings, ingress_cidr=own_address())
    with aws_errors():
        aws: Aws = connect(settings)
        # A deletion must not depend on what the region still sells.
        yield online_context(settings, aws, Clock()) if check_offer else Context(settings, aws, Clock(), ("", "", ""))


def own_address() -> IPv4Network:
    """This machine's public address, as AWS sees it."""
    try:
        with urlopen(_WHO_AM_I, timeout=10) as answer:
            return IPv4Network(IPv4Address(answer.read(64).decode().strip()))
    except (URLError, ValueError, OSError) as error:
        raise InfraError(
            f"This machine's public address could not be read from {_WHO_AM_I} ({error}). "
            "Set it, as in INVOKE_INFRA_INGRESS_CIDR=203.0.113.7/32."
        ) from error


def _ask_for_name(settings: InfraSettings, name: str, text: str) -> None:
    if not name and sys.stdin.isatty():
        print(f"{text} Type the project's name to continue: ", end="", file=sys.stderr, flush=True)
        name = sys.stdin.readline().strip()
    if name != settings.project:
        raise InfraError(
            f"{text} Nothing was changed, since the name was not confirmed. "
            f"To continue, pass --name {settings.project}."
        )


def _print_table(console: Console, table: Table) -> None:
    console.print(view.fitting(table, console.width))


def _out(width: int) -> Console:
    """Standard output, as wide as the terminal or, in a pipe, as is given."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else width)


def _console() -> Console:
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 130)


@contextmanager
def _live(console: Console) -> Iterator[Report]:
    """One live line on a terminal; elsewhere a line per step."""
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
