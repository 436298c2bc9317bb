"""The main job: load new files, build, test, publish, document, report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.console.display import Display, counted, first_of
from pipeline.dbt.runner import Dbt
from pipeline.dbt.session import close_connections
from pipeline.errors import UsageError
from pipeline.foreign_text import shown
from pipeline.load.load import describe, load, plan_load
from pipeline.load.plan import LoadPlan, LoadReport
from pipeline.run.fingerprint import project_fingerprint
from pipeline.run.rebuild import (
    STEPS,
    begin_tests,
    new_run_id,
    publish_build,
    rebuild,
    record_run,
    run_data_tests,
    written_or_gone,
)
from pipeline.settings import LoadOptions, Settings
from pipeline.site.docs import build_site, generate
from pipeline.warehouse.ledger import CHANGED
from pipeline.warehouse.loads import newest_loaded, not_built
from pipeline.warehouse.lock import locked
from pipeline.warehouse.publish import check_ownership
from pipeline.warehouse.query import published
from pipeline.warehouse.sources import is_sample, is_unknown, remember, sources_to_load
from pipeline.warehouse.state import read_state, tested_fingerprint
from pipeline.warehouse.warehouse import Warehouse
from pipeline.warehouse.work_file import is_as_published, restore_work_file

LOAD_STEPS = {"Source": 3.0, "Parse": 3.0, "Load": 25.0}


@dataclass(frozen=True)
class RunReport:
    """What a run found and did. If there was nothing new, load and tests_passed are None.

    load combines all loads of the run, one for each source with new files. flags make another command use this
    warehouse. left_out has the keys of files in the sources that are not named like JSON files.
    """

    source: str
    listed_files: int
    load: LoadReport | None
    is_sample: bool
    row_counts: dict[str, int]
    plays_without_user: int
    tests_passed: int | None
    seconds: dict[str, float]
    database: str
    flags: str
    docs_page: Path
    report_page: Path
    built: bool
    left_out: list[str]


def run(settings: Settings, options: LoadOptions, display: Display) -> RunReport:
    """Bring the warehouse up to date with its source.

    Raises:
        PipelineError: a step failed. What was published before is unchanged; data that fails a test is not published.
    """
    warehouse = Warehouse(settings)
    display.expect(LOAD_STEPS | STEPS)
    if settings.target == "duckdb":
        check_ownership(settings)
    with locked(warehouse, "run") as lock:
        restore_work_file(settings, display)
        dbt = Dbt(settings, lock=lock)
        return load_and_build(settings, warehouse, _plans(settings, options, dbt, display), dbt, display)


def load_and_build(
    settings: Settings, warehouse: Warehouse, plans: list[LoadPlan], dbt: Dbt, display: Display
) -> RunReport:
    """Run the plans one after the other, and bring everything up to date. The caller holds the lock."""
    fingerprint = project_fingerprint(settings)
    is_new = any(plan.files for plan in plans)
    if not is_new and is_up_to_date(settings, warehouse, fingerprint, plans[0].ledger_files):
        return _report(settings, warehouse, plans, display, None, None, built=False)
    _parse(dbt, display)
    loads = [_load(settings, plan, dbt, display) for plan in plans if plan.files]
    passed = rebuild(settings, warehouse, dbt, fingerprint, display, load_ids=[load.load_id for load in loads])
    return _report(settings, warehouse, plans, display, LoadReport.of_all(loads), passed, built=True)


def run_load(settings: Settings, options: LoadOptions, display: Display) -> LoadReport | None:
    """Load new files and build nothing; None if there are none."""
    warehouse = Warehouse(settings)
    display.expect(LOAD_STEPS)
    with locked(warehouse, "load") as lock:
        restore_work_file(settings, display)
        dbt = Dbt(settings, lock=lock)
        plans = [plan for plan in _plans(settings, options, dbt, display) if plan.files]
        reports = [_load(settings, plan, dbt, display) for plan in plans]
        if reports:
            ensure_seeds(warehouse, dbt)
        return LoadReport.of_all(reports)


def ensure_seeds(warehouse: Warehouse, dbt: Dbt) -> None:
    """Load the seeds into a warehouse that has none, so that `dbt run` works from then on."""
    if not warehouse.has_table("staging", "user_agent_rules"):
        dbt.command("seed")
        if warehouse.settings.target == "duckdb":
            close_connections()


def describe_load(settings: Settings, options: LoadOptions, display: Display) -> list[str]:
    """What a load would do. Writes nothing."""
    plans = [plan_of(settings, source, options, display) for source in _sources(settings, options, display)]
    described = [describe(settings, plan, Dbt(settings)) for plan in plans if plan.files]
    lines = [line for number, text in enumerate(described) for line in ([""] * bool(number) + text)]
    return lines or ["Nothing new to load."]


def publish_work_file(settings: Settings, display: Display) -> None:
    """Test what the user's own dbt commands have built, and publish it."""
    if settings.target != "duckdb":
        raise UsageError("publish is for DuckDB; on Redshift, readers see each table once it is committed.")
    warehouse = Warehouse(settings)
    with locked(warehouse, "publish"):
        restore_work_file(settings, display)
        if not warehouse.has_ledger() or not newest_loaded(warehouse):
            raise UsageError(f"There is nothing to publish yet. Load and build with: {warehouse.first_run()}")
        dbt = Dbt(settings)
        if lacking := not_built(warehouse, dbt.incremental_models()):
            raise UsageError(
                f"Some tables do not contain all loads: {first_of(lacking)}. Run dbt build and publish again, or run: "
                f"./inv run{settings.flags}"
            )
        fingerprint = tested_fingerprint(warehouse)
        run_id = new_run_id(warehouse)
        begin_tests(dbt, run_id)
        run_data_tests(settings, dbt, display)
        record_run(dbt, run_id, fingerprint)
        publish_build(settings, display)


def document(settings: Settings, display: Display) -> None:
    """Build the docs site from what is in the warehouse."""
    warehouse = Warehouse(settings)
    if settings.target == "duckdb" and not (settings.work_database.exists() or settings.database.exists()):
        raise _no_warehouse(warehouse)
    with locked(warehouse, "docs.build"), display.step("Docs") as step:
        restore_work_file(settings, display)
        if not warehouse.is_begun():
            raise _no_warehouse(warehouse)
        generate(Dbt(settings), display, is_compiled=False)
        if settings.target == "duckdb":
            close_connections()
        fingerprint = project_fingerprint(settings)
        step.summary = shown(build_site(settings, read_state(warehouse), fingerprint=fingerprint, with_erd=True))


def _no_warehouse(warehouse: Warehouse) -> UsageError:
    place = shown(warehouse.settings.work_database)
    return UsageError(f"There is no warehouse at {place} yet. Build it with: {warehouse.first_run()}")


def report(settings: Settings, display: Display) -> None:
    """Write the report of the published file, or of Redshift."""
    from pipeline.site.report.build import build_report

    with written_or_gone(settings.report_page), display.step("Report") as step:
        database = published(settings)
        state = read_state(Warehouse(settings), database)
        step.summary = shown(build_report(settings, state, database))


def write_images(settings: Settings, charts: str, folder: str, display: Display) -> None:
    """Write charts of the report, named in a comma-separated list, as SVG files in light and dark."""
    from pipeline.site.report.build import write_charts

    names = [name.strip() for name in charts.split(",") if name.strip()]
    with display.step("Charts") as step:
        written = write_charts(settings, names, Path(folder), published(settings))
        step.summary = f"{counted(len(written), 'file')} in {shown(Path(folder).resolve())}"


def write_findings(display: Display) -> None:
    """Write the docs page that defines the report's findings."""
    from pipeline.site.report.sections import write_definitions

    with display.step("Definitions") as step:
        step.summary = shown(write_definitions())


def _plans(settings: Settings, options: LoadOptions, dbt: Dbt, display: Display) -> list[LoadPlan]:
    """A plan for each source; a named source is remembered. All are listed before any is loaded."""
    sources = _sources(settings, options, display)
    if not is_unknown(settings):
        return [plan_of(settings, source, options, display) for source in sources]
    _parse(dbt, display)
    return [plan_of(settings, source, options, display, lambda: remember(settings, dbt)) for source in sources]


def _sources(settings: Settings, options: LoadOptions, display: Display) -> list[str]:
    sources = sources_to_load(settings, display)
    if len(sources) > 1 and set(options.reload) - {CHANGED}:
        raise UsageError(
            f"--reload takes files of one source, but this warehouse has {len(sources)}. Pass one with --source: "
            f"{', '.join(sources)}"
        )
    return sources


def plan_of(
    settings: Settings,
    source: str,
    options: LoadOptions,
    display: Display,
    on_accepted: Callable[[], None] = lambda: None,
) -> LoadPlan:
    """Make the plan for a source, and show it with warnings."""
    with display.step("Source") as step:
        plan = plan_load(settings, source, options, on_accepted=on_accepted)
        again = f" and {len(plan.replaced):,} to reload" if plan.replaced else ""
        new = len(plan.files) - len(plan.replaced)
        step.summary = f"{new:,} new{again} of {counted(plan.listed_files, 'file')} in {shown(source)}"
    if plan.companions:
        display.warn(
            f"Redshift rows do not record their file, so {counted(plan.companions, 'more file')} of the same load will "
            "be reloaded."
        )
    if plan.held_back:
        loads = "an undone load" if len(plan.held_loads) == 1 else "undone loads"
        again = " && ".join(f"./inv load.redo {load}{settings.flags}" for load in plan.held_loads)
        display.warn(f"Skipped {counted(plan.held_back, 'unchanged file')} of {loads}. Load again with: {again}")
    if plan.left_out:
        display.warn(
            f"Skipped {counted(len(plan.left_out), 'file')} by name: {first_of(plan.left_out)}. Only files that end in "
            ".json, .jsonl or .ndjson or have no suffix are loaded; to add others, set file_names in invoke.yaml."
        )
    if plan.gone_files:
        gone, their = ("file is", "its") if plan.gone_files == 1 else ("files are", "their")
        display.warn(f"{plan.gone_files:,} loaded {gone} no longer in the source; {their} rows stay.")
    return plan


def _parse(dbt: Dbt, display: Display) -> None:
    if not dbt.is_parsed:
        with display.step("Parse") as step:
            dbt.parse()
            step.summary = "the dbt project"


def _load(settings: Settings, plan: LoadPlan, dbt: Dbt, display: Display) -> LoadReport:
    with display.step("Load") as step:
        report = load(settings, plan, dbt, display)
        step.summary = f"{counted(sum(report.rows.values()), 'row')} from {counted(len(plan.files), 'file')}"
    if plan.outgoing:
        display.say(f"The simulated sample was replaced with {shown(plan.source)}.")
    for warning in report.warnings:
        display.warn(warning)
    return report


def is_up_to_date(settings: Settings, warehouse: Warehouse, fingerprint: str, ledger_files: int) -> bool:
    """Whether the last run was complete, with this project and all loaded files, and its pages exist."""
    if not settings.docs_page.exists() or not settings.report_page.exists():
        return False
    if not warehouse.has_table("staging", "run_history"):
        return False
    runs = f"{warehouse.schema('staging')}.run_history"
    current = warehouse.query(f"select project_fingerprint, files_loaded from {runs} where is_current").rows
    if [tuple(run) for run in current] != [(fingerprint, ledger_files)]:
        return False
    return settings.target != "duckdb" or is_as_published(settings)


def _report(
    settings: Settings,
    warehouse: Warehouse,
    plans: list[LoadPlan],
    display: Display,
    report: LoadReport | None,
    passed: int | None,
    *,
    built: bool,
) -> RunReport:
    seconds: defaultdict[str, float] = defaultdict(float)
    for step in display.steps:
        seconds[step.name.lower()] += round(step.seconds, 3)
    return RunReport(
        source=", ".join(plan.source for plan in plans),
        listed_files=sum(plan.listed_files for plan in plans),
        load=report,
        is_sample=is_sample(warehouse),
        row_counts=warehouse.row_counts(),
        plays_without_user=warehouse.plays_without_user(),
        tests_passed=passed,
        seconds=dict(seconds),
        database=str(settings.database) if settings.target == "duckdb" else "redshift",
        flags=settings.flags,
        docs_page=settings.docs_page,
        report_page=settings.report_page,
        built=built,
        left_out=[key for plan in plans for key in plan.left_out],
    )
