"""What an operator reads, each on one screen. What AWS says is text in it, never markup or a terminal's escape."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from infra.operate import Remains, Status
from infra.plan import Action, Plan, Step
from infra.prices import AS_OF, SOURCE, cost_line

_COLOURS = {
    Action.CREATE: "green",
    Action.CHANGE: "yellow",
    Action.REPLACE: "red",
    Action.DELETE: "red",
    Action.FOREIGN: "red",
    Action.KEEP: "dim",
}
_NOVICE = """\
Amazon Redshift is a data warehouse that AWS runs: you say how large, it keeps the machines, the backups and the disks.
A cluster (infra.mode: provisioned) is machines that are yours and cost by the hour until you pause or delete them;
serverless costs while queries run, and only then. Nothing below is there yet, and showing it costs nothing."""


def plain(text: str) -> str:
    """The text with visible escapes for letters that a terminal would act on, line breaks left alone.

    It is the edge of this room as pipeline/foreign_text.py is that of the pipeline, which this room does not import.
    """
    return "".join(
        letter if letter.isprintable() or letter == "\n" else letter.encode("unicode_escape").decode()
        for letter in text
    )


class TextTable(Table):
    """A table whose cells are text: Rich takes a plain string for markup."""

    def add_row(self, *cells: str | Text) -> None:
        super().add_row(*(Text(plain(cell)) if isinstance(cell, str) else cell for cell in cells))


def plan_table(plan: Plan) -> Table:
    table = TextTable(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in ("", "resource", "name", "$/h"):
        table.add_column(name, no_wrap=name in ("", "$/h"), justify="right" if name == "$/h" else "left")
    table.add_column("why" if plan.context.aws is None else "what")
    for step in plan.steps:
        resource, hourly = step.resource, step.resource.cost().hourly
        price = "?" if hourly is None else f"{hourly:.3f}" if hourly else ""
        if step.action is Action.DELETE:
            price = ""
        action = Text(step.action.value, style=_COLOURS[step.action])
        table.add_row(action, resource.kind, resource.name, price, _what(step))
    return table


def plan_words(plan: Plan) -> str:
    """What stands around the table of a plan: for whom there is no AWS yet it explains, else it counts."""
    settings = plan.context.settings
    lines = []
    if plan.context.aws is None:
        lines += [_NOVICE, ""]
    if settings.public and not settings.ingress_cidr:
        lines.append("Public: open to your own address alone, which infra.up looks up.")
    elif not settings.public:
        lines.append(
            "Private: to be reached from inside its network only. From your own machine: INVOKE_INFRA_PUBLIC=true."
        )
    if settings.subnets:
        lines.append(
            f"Subnets of yours: {', '.join(settings.subnets)}; their routes must lead to S3 (gateway endpoint)."
        )
    counts = {action: len(plan.with_action(action)) for action in Action}
    lines.append(", ".join(f"{count} to {action.value}" for action, count in counts.items() if count) + ".")
    lines.append(cost_line(plan.cost, settings.region))
    if plan.context.aws is None:
        lines.append(f"Prices: {SOURCE}, {AS_OF}. Then: ./inv infra.up, and ./inv infra.down takes it away again.")
    return "\n".join(lines)


def deletion_words(plan: Plan, *, take_snapshot: bool) -> str:
    last = "A final snapshot is taken first." if take_snapshot else "NO snapshot is taken: the data is gone for ever."
    return f"{len(plan.steps)} to delete in {plan.context.settings.region}. {last}"


def status_words(status: Status) -> str:
    settings = status.plan.context.settings
    lines = [f"{settings.mode} {settings.project} in {settings.region}: {status.state}"]
    if status.connection:
        variables = status.connection.variables
        place = f"{variables['SPARKIFY_REDSHIFT_HOST']}:{variables['SPARKIFY_REDSHIFT_PORT']}"
        lines.append(f"endpoint   {place}/{variables['SPARKIFY_REDSHIFT_DBNAME']}")
    if status.since:
        lines.append(f"since      {status.since:%Y-%m-%d %H:%M} UTC")
    if status.spent is not None:
        lines.append(f"cost       ${status.spent:.2f} so far at most (pauses are not taken off; storage comes to it)")
    elif settings.is_serverless and status.since:
        lines.append("cost       by use: select sum(charged_seconds) / 3600.0 as rpu_hours from sys_serverless_usage")
    if status.ends:
        lines.append(f"ends       {status.ends} UTC, by infra.ttl")
    if not status.not_as_planned:
        lines.append("drift      none: everything is as planned")
    else:
        lines += [
            f"drift      {step.resource.kind} {step.resource.name}: {_what(step)}" for step in status.not_as_planned
        ]
    return "\n".join(map(plain, lines))


def remains_table(remains: list[Remains]) -> Table:
    table = TextTable(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in ("", "what", "arn"):
        table.add_column(name, no_wrap=True)
    for one in remains:
        table.add_row("in the plan" if one.is_planned else "not in it", one.what, one.arn)
    return table


def _what(step: Step) -> str:
    match step.action:
        case Action.CREATE if step.found:
            return "is being deleted; made anew when it is gone"
        case Action.CREATE:
            return step.resource.why
        case Action.CHANGE if not step.differences:
            return f"{step.found.detail if step.found else ''}; looked at when AWS is done"
        case Action.CHANGE | Action.REPLACE:
            return "; ".join(_change(step, name) for name in step.differences)
        case Action.FOREIGN:
            return "there, and without this project's tag"
        case Action.DELETE:
            return "with its data" if step.resource.holds_data else ""
    return ""


def _change(step: Step, name: str) -> str:
    if isinstance(step.differences[name], dict):  # a document, which nobody reads in a table
        return f"{name}: not as planned"
    return f"{name}: {_was(step, name)} → {_short(step.differences[name])}"


def _was(step: Step, name: str) -> str:
    return _short(step.found.attributes.get(name)) if step.found else "nothing"


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return "nothing" if value in (None, [], "") else text if len(text) <= 60 else f"{text[:59]}…"
