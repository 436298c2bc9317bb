"""Undo a load: delete its rows, and build everything again from what is left."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass

from pipeline.console.display import Display, counted, print_json, print_text
from pipeline.dbt.runner import Dbt, DbtError
from pipeline.dbt.session import close_connections
from pipeline.errors import PipelineError, UsageError
from pipeline.load.redshift.copy import ATTEMPTS, PASSING, PAUSE_SECONDS
from pipeline.run.fingerprint import project_fingerprint
from pipeline.run.rebuild import STEPS, rebuild
from pipeline.run.run import is_up_to_date
from pipeline.settings import Settings
from pipeline.warehouse.ledger import LOADED, REPLACED
from pipeline.warehouse.loads import Load, read_loads
from pipeline.warehouse.lock import locked
from pipeline.warehouse.publish import check_ownership
from pipeline.warehouse.warehouse import Warehouse
from pipeline.warehouse.work_file import restore_work_file

LOAD_ID = re.compile(r"\d{8}T\d{12}")
SHOWN = 5


@dataclass(frozen=True)
class UndoReport:
    """What was deleted: keys of the load's files, and rows of each landed table. Empty if it was undone before.

    row_counts has the star's tables afterwards; tests_passed is None if nothing was left to do. flags make another
    command use the warehouse.
    """

    load_id: str
    files: list[str]
    rows: dict[str, int]
    row_counts: dict[str, int]
    tests_passed: int | None
    flags: str


def undo(settings: Settings, load_id: str, display: Display) -> UndoReport:
    """Undo a load and bring the warehouse up to date without it; finish what an earlier call began.

    Raises:
        UsageError: there is no such load.
        PipelineError: a step failed. The load's rows are deleted unless the message says otherwise.
    """
    warehouse = Warehouse(settings)
    display.expect({"Undo": 10.0} | STEPS)
    if settings.target == "duckdb":
        check_ownership(settings)
    with locked(warehouse, "load.undo") as lock:
        restore_work_file(settings, display)
        loads = read_loads(warehouse)
        load = find_load(settings, loads, load_id)
        dbt = Dbt(settings, lock=lock)
        files: list[str] = []
        rows: dict[str, int] = {}
        fingerprint = project_fingerprint(settings)
        if load.status == LOADED:
            files, rows = _contents(warehouse, load_id)
            with display.step("Undo") as step:
                take_away(settings, load_id, dbt, display)
                step.summary = f"deleted {counted(sum(rows.values()), 'row')} of {counted(len(files), 'file')}"
        elif is_up_to_date(settings, warehouse, fingerprint, _files_loaded(loads)):
            return UndoReport(load_id, [], {}, warehouse.row_counts(), None, settings.flags)
        passed = rebuild(settings, warehouse, dbt, fingerprint, display)
        return UndoReport(load_id, files, rows, warehouse.row_counts(), passed, settings.flags)


def take_away(settings: Settings, load_id: str, dbt: Dbt, display: Display) -> None:
    """Delete the load's rows in one transaction. The caller holds the warehouse's lock.

    Safe to repeat: a load that is undone already stays as it is.
    """
    warehouse = Warehouse(settings)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            dbt.run_operation("undo_load", load_id=load_id, lock_token=dbt.lock.token)
        except DbtError as error:
            if settings.target == "duckdb" or attempt == ATTEMPTS or not PASSING.search(str(error)):
                raise
            display.warn("The connection was lost, or another transaction conflicted; trying again.")
            time.sleep(PAUSE_SECONDS)
        finally:
            if settings.target == "duckdb":
                close_connections()
        # A COMMIT that was sent again on a new connection says nothing about the lost transaction.
        if find_load(settings, read_loads(warehouse), load_id).status != LOADED:
            return
    raise PipelineError(f"The rows of load {load_id} could not be deleted; nothing was changed. Run it again.")


def print_undo(report: UndoReport, *, as_json: bool, quiet: bool) -> None:
    """Print what was deleted, and how to load it again."""
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        print_text(*_report_lines(report))


def _report_lines(report: UndoReport) -> list[str]:
    if report.tests_passed is None:
        return [f"Nothing to do: load {report.load_id} was undone before, and everything is built without it."]
    if not report.files:
        return [f"Load {report.load_id} was undone before; now everything is built without it."]
    rows = ", ".join(f"{counted(count, 'row')} of {table}" for table, count in sorted(report.rows.items()))
    lines = [f"Load {report.load_id} was undone: deleted {rows}, from {counted(len(report.files), 'file')}."]
    lines += [f"  {key}" for key in report.files[:SHOWN]]
    if len(report.files) > SHOWN:
        sql = f"select file_key from load_history where load_id = '{report.load_id}'"
        lines.append(f'  … and {len(report.files) - SHOWN:,} more: ./inv query "{sql}"{report.flags}')
    again = f"./inv load.redo {report.load_id}{report.flags}"
    these, them = ("this file", "it") if len(report.files) == 1 else ("these files", "them")
    lines.append(f"Later runs skip {these} until changed. Load {them} again with: {again}")
    return lines


def find_load(settings: Settings, loads: list[Load], load_id: str) -> Load:
    """The load with that ID, unless all of its files were replaced.

    Raises:
        UsageError: there is none.
    """
    found = next((load for load in loads if load.load_id == load_id), None)
    if found and found.status != REPLACED:
        return found
    if not loads:
        raise UsageError("Nothing has been loaded yet, so there is no load to undo or redo.")
    why = f"Later loads replaced all of load {load_id}" if found else f"No load {load_id!r} in this warehouse"
    last = [
        f"  {load.load_id}  {counted(load.files, 'file')} of {load.source}, {load.status}" for load in loads[:SHOWN]
    ]
    raise UsageError(f"{why}. The newest loads (./inv load.list{settings.flags} shows all):", *last)


def _files_loaded(loads: list[Load]) -> int:
    return sum(load.files for load in loads if load.status == LOADED)


def _contents(warehouse: Warehouse, load_id: str) -> tuple[list[str], dict[str, int]]:
    """Keys of the load's files that have rows, and its rows in each landed table."""
    if not LOAD_ID.fullmatch(load_id):
        raise UsageError(f"{load_id!r} is not a load ID.")
    staging = warehouse.schema("staging")
    files = warehouse.query(
        f"select file_key from {staging}.load_history where load_id = '{load_id}' and status = '{LOADED}' "
        "order by file_key"
    ).rows
    rows = warehouse.query(
        " union all ".join(
            f"select '{table}', count(*) from {staging}.{table} where load_id = '{load_id}'"
            for table in ("staging_events", "staging_songs")
        )
    ).rows
    return [key for (key,) in files], {table: count for table, count in rows if count}
