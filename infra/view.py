"""The tables and texts that an operator reads. Text from AWS is never markup or a terminal escape."""

from __future__ import annotations

from rich import box
from rich.console import RenderableType
from rich.style import StyleType
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
_TO_DO = {action: f"to {action.value}" for action in Action} | {Action.KEEP: "unchanged", Action.FOREIGN: "not ours"}
NARROWEST_TABLE = 72  # columns
_NOVICE = (
    "Amazon Redshift is a data warehouse that AWS runs: you choose the size, AWS takes care of machines, disks and "
    "backups. A cluster (infra.mode: provisioned) costs by the hour until you pause or delete it; Serverless costs "
    "only while queries run. Nothing in this plan exists yet, and showing it costs nothing."
)


def plain(text: str) -> str:
    """Escape the control characters that a terminal would act on, except line breaks.

    It does for infra what pipeline/foreign_text.py does for the pipeline, which infra does not import.
    """
    return "".join(
        letter if letter.isprintable() or letter == "\n" else letter.encode("unicode_escape").decode()
        for letter in text
    )


class TextTable(Table):
    """A table whose cells are plain text: Rich would read markup in a string."""

    def add_row(self, *cells: RenderableType | None, style: StyleType | None = None, end_section: bool = False) -> None:
        texts = (Text(plain(cell)) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*texts, style=style, end_section=end_section)


def _table(*columns: str) -> TextTable:
    table = TextTable(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def fitting(table: Table, width: int) -> Table | Text:
    """The table, or for a terminal too narrow for columns one value a line."""
    if width >= NARROWEST_TABLE:
        return table
    lines = []
    for row in zip(*(column.cells for column in table.columns), strict=True):
        lines.append(f"── {row[0]} ──")
        named = zip(table.columns[1:], row[1:], strict=True)
        lines += [f"{column.header}: {cell}" for column, cell in named if str(cell)]
    return Text("\n".join(lines))


def plan_table(plan: Plan) -> Table:
    table = _table("", "resource", "name", "$/h", "purpose" if plan.context.aws is None else "details")
    table.columns[3].justify = "right"
    for step in plan.steps:
        resource, hourly = step.resource, step.resource.cost().hourly
        price = "?" if hourly is None else f"{hourly:.3f}" if hourly else ""
        if step.action is Action.DELETE:
            price = ""
        action = Text(step.action.value, style=_COLOURS[step.action])
        table.add_row(action, resource.kind, resource.name, price, _what(step))
    return table


def plan_words(plan: Plan) -> str:
    """The text below the table of a plan. Offline it also explains what Redshift is."""
    settings = plan.context.settings
    lines = []
    if plan.context.aws is None:
        lines += [_NOVICE, ""]
    if settings.public and not settings.ingress_cidr:
        lines.append("Public: only your own IP address may connect; infra.up looks it up.")
    elif not settings.public:
        lines.append(
            "Private: reachable only from inside its network. To connect from here, set INVOKE_INFRA_PUBLIC=true."
        )
    if settings.subnets:
        lines.append(
            f"Your own subnets: {', '.join(settings.subnets)}. They need a route to S3, such as a gateway endpoint."
        )
    counts = {action: len(plan.with_action(action)) for action in Action}
    lines.append(", ".join(f"{count} {_TO_DO[action]}" for action, count in counts.items() if count) + ".")
    lines.append(cost_line(plan.cost, settings.region))
    if plan.context.aws is None:
        lines.append(f"Prices: {SOURCE}, {AS_OF}. ./inv infra.up creates the stack, ./inv infra.down deletes it.")
    return "\n".join(lines)


def deletion_words(plan: Plan, *, take_snapshot: bool) -> str:
    last = "A final snapshot is taken first." if take_snapshot else "NO snapshot is taken: the data is lost for good."
    return f"{counted(plan)} to delete in {plan.context.settings.region}. {last}"


def counted(plan: Plan) -> str:
    count = len(plan.steps)
    return f"{count} {'resource' if count == 1 else 'resources'}"


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
        lines.append(f"cost       at most ${status.spent:.2f} so far, as if never paused, plus storage")
    elif settings.is_serverless and status.since:
        lines.append("cost       by usage: select sum(charged_seconds) / 3600.0 as rpu_hours from sys_serverless_usage")
    if status.ends:
        lines.append(f"ends       {status.ends} UTC (infra.ttl)")
    if not status.not_as_planned:
        lines.append("drift      none")
    else:
        lines += [
            f"drift      {step.resource.kind} {step.resource.name}: {_what(step)}" for step in status.not_as_planned
        ]
    return "\n".join(map(plain, lines))


def remains_table(remains: list[Remains]) -> Table:
    table = _table("", "resource", "ARN")
    for one in remains:
        table.add_row("in the plan" if one.is_planned else "not in the plan", one.what, one.arn)
    return table


def _what(step: Step) -> str:
    match step.action:
        case Action.CREATE if step.found:
            return "being deleted; will be created again"
        case Action.CREATE:
            return step.resource.why
        case Action.CHANGE if not step.differences:
            return f"{step.found.detail if step.found else ''}; checked again when AWS has finished"
        case Action.CHANGE | Action.REPLACE:
            return "; ".join(_change(step, name) for name in step.differences)
        case Action.FOREIGN:
            return "already exists without this project's tag"
        case Action.DELETE:
            return "with its data" if step.resource.holds_data else ""
    return ""


def _change(step: Step, name: str) -> str:
    if isinstance(step.differences[name], dict):  # a policy document, too long for a table
        return f"{name}: differs"
    return f"{name}: {_was(step, name)} → {_short(step.differences[name])}"


def _was(step: Step, name: str) -> str:
    return _short(step.found.attributes.get(name)) if step.found else "none"


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return "none" if value in (None, [], "") else text if len(text) <= 60 else f"{text[:59]}…"
