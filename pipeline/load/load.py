"""Load the new files of a source into the landed tables: this module decides which, the macro `load` how."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable

from pipeline.console.display import Display
from pipeline.dbt.runner import Dbt
from pipeline.errors import UsageError
from pipeline.load.days import days_without_events
from pipeline.load.duckdb.load import load_duckdb
from pipeline.load.plan import LoadPlan, LoadReport
from pipeline.load.redshift.copy import describe_load, load_redshift
from pipeline.load.redshift.manifest import check_redshift_settings
from pipeline.load.rejects import Rejects
from pipeline.load.reload import files_of_their_loads, named_files
from pipeline.settings import LoadOptions, Settings
from pipeline.source.listing import list_source, refuse_archived
from pipeline.warehouse.ledger import CHANGED, LOADED, new_files, new_load_id, read_ledger
from pipeline.warehouse.warehouse import Warehouse


def plan_load(
    settings: Settings, source: str, options: LoadOptions, *, on_accepted: Callable[[], None] = lambda: None
) -> LoadPlan:
    """List the source and compare it with the ledger.

    on_accepted is called once the warehouse accepts the source, before the source is listed.
    """
    if settings.target == "redshift":
        check_redshift_settings(settings, source)
    elif options.compact:
        raise UsageError("--compact is for Redshift; on DuckDB every load merges small files.")
    elif options.check_text:
        raise UsageError("--check-text is for Redshift; on DuckDB every load checks this.")
    ledger = read_ledger(Warehouse(settings), source, add_source=options.add_source)
    on_accepted()
    listing = list_source(source, options, settings.file_names)
    files = listing.files
    loaded = {key for key, entry in ledger.of_source.items() if entry.status == LOADED}
    gone = len(loaded - {file.key for file in files}) if options.is_whole else 0
    named = named_files(source, files, options)
    others = (
        files_of_their_loads(source, files, ledger.of_source, named, settings.flags)
        if settings.target == "redshift"
        else frozenset()
    )
    found = new_files(
        source, files, ledger.of_source, named, may_change=CHANGED in options.reload, flags=settings.flags
    )
    new = {file.key for file in found} | others
    to_load = [file for file in files if file.key in new]
    refuse_archived(source, to_load)
    held_back = [ledger.of_source[file.key] for file in files if ledger.is_undone(file.key) and file.key not in new]
    return LoadPlan(
        source,
        to_load,
        len(files),
        ledger.file_count,
        gone,
        len(held_back),
        options.compact,
        options.max_errors,
        replaced=sorted(new & loaded),
        companions=len(others),
        check_text=options.check_text,
        left_out=listing.left_out,
        held_loads=sorted({entry.load_id for entry in held_back}),
        outgoing=ledger.outgoing,
    )


def load(settings: Settings, plan: LoadPlan, dbt: Dbt, display: Display) -> LoadReport:
    """Load the plan's files in one transaction. The caller holds the warehouse's lock.

    Raises:
        PipelineError: a record cannot be loaded as it is, or the engine refused; nothing was loaded.
    """
    load_id = new_load_id(Warehouse(settings))
    try:
        if settings.target == "duckdb":
            warnings, empty = load_duckdb(plan, load_id, settings.load_folder, dbt, display)
        else:
            warnings, empty = load_redshift(settings, plan, load_id, dbt, display)
    finally:
        shutil.rmtree(settings.load_folder, ignore_errors=True)
    files = Counter(file.table_name for file in plan.files)
    warehouse = Warehouse(settings)
    rejects = Rejects.of(load_id, _reject_count(warehouse, load_id) if plan.max_errors else 0)
    rows = _row_counts(warehouse, load_id, list(files))
    missing = days_without_events(warehouse, load_id) if "staging_events" in files else []
    return LoadReport(load_id, dict(files), rows, warnings, plan.replaced, rejects, empty, missing)


def describe(settings: Settings, plan: LoadPlan, dbt: Dbt) -> list[str]:
    """The files that the plan would load, one per line, and on Redshift the statements that it would send."""
    files = [f"{plan.source}/{file.key}" for file in plan.files]
    if settings.target == "duckdb" or not plan.files:
        return files
    return [*files, "", *describe_load(settings, plan, new_load_id(Warehouse(settings)), dbt)]


def _row_counts(warehouse: Warehouse, load_id: str, tables: list[str]) -> dict[str, int]:
    counts = " union all ".join(
        f"select '{table}', count(*) from {warehouse.schema('staging')}.{table} where load_id = '{load_id}'"
        for table in tables
    )
    return dict(warehouse.query(counts).rows)


def _reject_count(warehouse: Warehouse, load_id: str) -> int:
    rejects = f"{warehouse.schema('staging')}.load_rejects"
    return warehouse.count(f"select count(*) from {rejects} where load_id = '{load_id}'")
