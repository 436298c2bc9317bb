"""Load the new files of a source into the landed tables: this module decides which, the macro `load` how."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipeline import clock
from pipeline.days import days_without_events
from pipeline.dbt import Dbt, DbtError, close_connections
from pipeline.display import Display
from pipeline.errors import PipelineError, UsageError
from pipeline.foreign_text import first_line
from pipeline.interrupts import stop_if_interrupted
from pipeline.ledger import CHANGED, LOADED, loaded_twice, new_files, new_load_id, read_ledger
from pipeline.listing import SourceFile, list_source, refuse_archived
from pipeline.load_folder import LoadFolder, fill_load_folder, put_big_files_among_lines
from pipeline.redshift_load import describe_load, load_redshift
from pipeline.redshift_manifest import check_redshift_settings
from pipeline.rejects import Problem, Rejects, bad_values, too_many, uncounted
from pipeline.reload import files_of_their_loads, named_files
from pipeline.settings import LoadOptions, Settings
from pipeline.warehouse import Warehouse


@dataclass(frozen=True)
class LoadPlan:
    """What a load would do.

    files           the files to load: new ones, and those to load again
    listed_files    number of files in the source
    ledger_files    number of files of all sources that have rows in the warehouse
    gone_files      number of loaded files that are no longer in the source
    held_back       number of unchanged files of undone loads
    compact         whether to merge small files first
    max_errors      number of bad records that may be skipped
    replaced        keys of those of files that are loaded again (--reload); the load deletes their old rows
    companions      number of those in replaced that were not named, but loaded together with one that was
    check_text      whether to check on Redshift for text that COPY would change
    left_out        keys of files that are not named like JSON files
    held_loads      IDs of the loads of the files held back
    outgoing        the simulated sample, if this load replaces it
    """

    source: str
    files: list[SourceFile]
    listed_files: int
    ledger_files: int
    gone_files: int
    held_back: int = 0
    compact: bool = False
    max_errors: int = 0
    replaced: list[str] = field(default_factory=list)
    companions: int = 0
    check_text: bool = False
    left_out: list[str] = field(default_factory=list)
    held_loads: list[str] = field(default_factory=list)
    outgoing: str | None = None


@dataclass(frozen=True)
class LoadReport:
    """What a load did. rows has the new rows of each landed table; warnings are lines for the user.

    replaced has the keys of files whose earlier rows were deleted, empty_files those of files without a record.
    missing_days are ISO dates without events, next to the days of this load, with events before and after.
    """

    load_id: str
    files: dict[str, int]
    rows: dict[str, int]
    warnings: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    rejects: Rejects | None = None
    empty_files: list[str] = field(default_factory=list)
    missing_days: list[str] = field(default_factory=list)

    @classmethod
    def of_all(cls, reports: Sequence[LoadReport]) -> LoadReport | None:
        """What several loads of one run did together, with the ID of the last; None if there was no load."""
        if len(reports) < 2:
            return reports[0] if reports else None
        files: Counter[str] = Counter()
        rows: Counter[str] = Counter()
        for report in reports:
            files.update(report.files)
            rows.update(report.rows)
        return cls(
            reports[-1].load_id,
            dict(files),
            dict(rows),
            [warning for report in reports for warning in report.warnings],
            [key for report in reports for key in report.replaced],
            Rejects.of_all([report.rejects for report in reports if report.rejects]),
            [key for report in reports for key in report.empty_files],
            sorted({day for report in reports for day in report.missing_days}),
        )


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
            warnings, empty = _load_duckdb(plan, load_id, settings.load_folder, dbt, display)
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
    return warehouse.query(f"select count(*) from {rejects} where load_id = '{load_id}'").rows[0][0]


def _load_duckdb(plan: LoadPlan, load_id: str, path: Path, dbt: Dbt, display: Display) -> tuple[list[str], list[str]]:
    """Load; return warnings and the keys of files without a record."""
    total = len(plan.files)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        display.progress(done, total, "files read")

    def fetched(done_bytes: int, total_bytes: int) -> None:
        display.progress(done_bytes >> 20, total_bytes >> 20, f"MB of a big file ({done:,} of {total:,} files read)")

    folder = fill_load_folder(path, plan.source, plan.files, advance=advance, fetched=fetched)
    display.progress(0, 0, "writing rows")
    try:
        _run_load(plan, load_id, folder, dbt)
    except DbtError:
        if not folder.big_files:
            raise
        # The fast reader stopped. Read line by line, which either finds the bad record or loads everything.
        done, total = 0, len(folder.big_files)
        put_big_files_among_lines(folder, advance=advance)
        _run_load(plan, load_id, folder, dbt)
    return _unknown_keys(folder, dbt), folder.empty


def _run_load(plan: LoadPlan, load_id: str, folder: LoadFolder, dbt: Dbt) -> None:
    manifest = {
        "load_id": load_id,
        "loaded_at": f"{clock.now():%Y-%m-%d %H:%M:%S.%f}",
        "source": plan.source,
        "replaces": bool(plan.replaced),
        "outgoing": plan.outgoing,
        "files": str(folder.entries),
        "problems": str(folder.problems),
        "max_errors": plan.max_errors,
        "tables": {name: asdict(table) for name, table in folder.tables.items()},
    }
    try:
        dbt.run_operation("load", manifest=manifest)
    except DbtError as error:
        if folder.problems.exists():
            raise _refusal(folder, plan.max_errors) from None
        if found := uncounted(error) or loaded_twice(error):
            raise found from None
        raise
    finally:
        close_connections()


def _refusal(folder: LoadFolder, max_errors: int) -> PipelineError:
    found = [json.loads(line) for line in folder.problems.read_bytes().split(b"\n") if line]
    problems = [
        Problem(item["file_key"], item["line_number"], item["column_name"], item["bad_value"], item["problem"])
        for item in found
    ]
    if max_errors:
        return too_many(problems, found[0]["record_count"], max_errors)
    return bad_values(problems, found[0]["problem_count"])


def _unknown_keys(folder: LoadFolder, dbt: Dbt) -> list[str]:
    """A warning for each table whose records have keys without a column.

    The load is committed by now, so an error here is only a warning.
    """
    import duckdb

    try:
        return _find_unknown_keys(folder, dbt)
    except duckdb.Error as error:
        stop_if_interrupted()
        return [f"Records were not checked for keys without a column: {first_line(error)}"]


def _find_unknown_keys(folder: LoadFolder, dbt: Dbt) -> list[str]:
    import duckdb

    warnings = []
    for table_name, table in folder.tables.items():
        found: set[str] = set()
        with duckdb.connect() as connection:
            if table.lines:
                found.update(
                    row[0]
                    for row in connection.execute(
                        "select distinct unnest(json_keys(case when json_valid(raw) then raw end)) "
                        "from read_json(?, format = 'newline_delimited', "
                        "maximum_object_size = 134217728, columns = {raw: 'varchar', line_number: 'bigint'})",
                        [table.lines],
                    ).fetchall()
                )
            if table.heads:
                found.update(
                    row[0]
                    for row in connection.execute(
                        "select distinct unnest(json_keys(json)) from read_ndjson_objects(?)",
                        [table.heads],
                    ).fetchall()
                )
        if unknown := sorted(found.difference(dbt.json_keys(table_name))):
            warnings.append(f"{table_name}: ignored keys without a column: {', '.join(unknown)}")
    return warnings
