"""Load the files of an undone load again: those still in the source, as they are now, and no others."""

from __future__ import annotations

from pipeline.console.display import Display, counted, first_of
from pipeline.dbt.runner import Dbt
from pipeline.errors import PipelineError, UsageError
from pipeline.foreign_text import shown
from pipeline.load.plan import LoadPlan
from pipeline.load.redshift.manifest import check_redshift_settings
from pipeline.run.rebuild import STEPS
from pipeline.run.run import LOAD_STEPS, RunReport, load_and_build
from pipeline.run.undo import find_load
from pipeline.settings import LoadOptions, Settings
from pipeline.source.listing import TABLES, list_source, refuse_archived
from pipeline.warehouse.ledger import LOADED, UNDONE, read_ledger
from pipeline.warehouse.loads import Load, read_loads
from pipeline.warehouse.lock import locked
from pipeline.warehouse.publish import check_ownership
from pipeline.warehouse.warehouse import Warehouse
from pipeline.warehouse.work_file import restore_work_file


def redo(settings: Settings, load_id: str, display: Display, *, compact: bool = False) -> RunReport:
    """Load an undone load's files again, build, test and publish; finish what an earlier call began.

    Raises:
        UsageError: there is no such load, or it was not undone.
        PipelineError: a step failed, or none of the files is in the source any more.
    """
    warehouse = Warehouse(settings)
    display.expect(LOAD_STEPS | STEPS)
    if settings.target == "duckdb":
        check_ownership(settings)
    with locked(warehouse, "load.redo") as lock:
        restore_work_file(settings, display)
        load = find_load(settings, read_loads(warehouse), load_id)
        if load.status == LOADED:
            raise UsageError(f"Load {load_id} has not been undone, so there is nothing to redo.")
        with display.step("Source") as step:
            plan = plan_redo(settings, warehouse, load, compact=compact)
            step.summary = f"{counted(len(plan.files), 'file')} of load {load_id} in {shown(load.source)}"
        if plan.gone_files:
            display.warn(f"Skipped {counted(plan.gone_files, 'file')} of the load: no longer in the source.")
        return load_and_build(settings, warehouse, [plan], Dbt(settings, lock=lock), display)


def plan_redo(settings: Settings, warehouse: Warehouse, load: Load, *, compact: bool) -> LoadPlan:
    """The files of the load that are still to be loaded again; none if an earlier call has done so.

    Files that another load has loaded since are no longer part of it. As many bad records are skipped as the load had.
    """
    if compact and settings.target != "redshift":
        raise UsageError("--compact is for Redshift; on DuckDB every load merges small files.")
    if settings.target == "redshift":
        check_redshift_settings(settings, load.source)
    ledger = read_ledger(warehouse, load.source, add_source=True)
    keys = {key for key, entry in ledger.of_source.items() if (entry.load_id, entry.status) == (load.load_id, UNDONE)}
    kinds = frozenset(name for name, (_, folder) in TABLES.items() if any(key.startswith(f"{folder}/") for key in keys))
    listed = list_source(load.source, LoadOptions(only=kinds), settings.file_names).files if keys else []
    files = [file for file in listed if file.key in keys]
    refuse_archived(load.source, files)
    if keys and not files:
        gone = first_of(sorted(keys))
        raise PipelineError(
            f"{load.source} no longer has any file of load {load.load_id}: {gone}. Put them back and run this again."
        )
    return LoadPlan(
        load.source,
        files,
        len(files),
        ledger.file_count,
        len(keys) - len(files),
        compact=compact,
        max_errors=load.rejected,
    )
