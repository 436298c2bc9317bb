"""The loads in the ledger, which can be undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pipeline.console.display import counted, print_json, print_table, print_text, simple_table
from pipeline.foreign_text import shown
from pipeline.warehouse.ledger import LOADED, REPLACED, UNDONE
from pipeline.warehouse.warehouse import Warehouse


@dataclass(frozen=True)
class Load:
    """One load. status is loaded if any of its files has rows; files, rows and rejected then count only such files.

    loaded_at is UTC. rows is None if unknown: on Redshift, once the rows are deleted.
    """

    load_id: str
    loaded_at: datetime
    source: str
    files: int
    rows: int | None
    rejected: int
    status: str


def read_loads(warehouse: Warehouse) -> list[Load]:
    """Every load, newest first."""
    if not warehouse.has_ledger():
        return []
    staging = warehouse.schema("staging")
    found = warehouse.query(
        "select load_id, status, min(source), min(loaded_at), count(*), sum(row_count), sum(rejected_count) "
        f"from {staging}.load_history group by load_id, status"
    ).rows
    landed: dict[str, int] = {}
    if any(rows is None for *_, rows, _ in found):
        landed = dict(
            warehouse.query(
                f"select load_id, count(*) from (select load_id from {staging}.staging_events union all "
                f"select load_id from {staging}.staging_songs) as landed group by load_id"
            ).rows
        )
    loads: dict[str, Load] = {}
    order = (REPLACED, UNDONE, LOADED)
    for load_id, status, source, loaded_at, files, rows, rejected in sorted(found, key=lambda row: order.index(row[1])):
        if rows is None and status == LOADED:
            rows = landed.get(load_id, 0)
        count = None if rows is None else int(rows)
        loads[load_id] = Load(load_id, loaded_at, source, files, count, int(rejected or 0), status)
    return [loads[load_id] for load_id in sorted(loads, reverse=True)]


def newest_loaded(warehouse: Warehouse) -> str:
    """The ID of the newest load that has rows in the warehouse; empty if there is none."""
    found = warehouse.query(
        f"select max(load_id) from {warehouse.schema('staging')}.load_history where status = '{LOADED}'"
    )
    return found.rows[0][0] or ""


def not_built(warehouse: Warehouse, models: Iterable[str]) -> list[str]:
    """The models that lack a load with rows in the warehouse."""
    staging = warehouse.schema("staging")
    loads = warehouse.query(f"select distinct load_id from {staging}.load_history where status = '{LOADED}'").rows
    taken = set(warehouse.query(f"select model_name, load_id from {staging}.build_history").rows)
    return sorted(model for model in models if any((model, load_id) not in taken for (load_id,) in loads))


def print_loads(loads: list[Load], warehouse: Warehouse, *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(load) for load in loads])
    elif not loads:
        print_text(f"Nothing has been loaded yet. Load with: {warehouse.first_run()}")
    else:
        print_table(loads_table(loads))
        again = f"Undo one with: ./inv load.undo ID{warehouse.settings.flags}"
        print_text("", f"{counted(len(loads), 'load')}. {again}")


def loads_table(loads: list[Load]) -> Any:
    table = simple_table()
    for name in ("load", "time (UTC)", "source"):
        table.add_column(name)
    for name in ("files", "rows", "rejected"):
        table.add_column(name, justify="right")
    table.add_column("status")
    for load in loads:
        rows = "" if load.rows is None else f"{load.rows:,}"
        counts = (f"{load.files:,}", rows, f"{load.rejected:,}")
        table.add_row(load.load_id, f"{load.loaded_at:%Y-%m-%d %H:%M:%S}", shown(load.source), *counts, load.status)
    return table
