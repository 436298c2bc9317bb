"""Build, test, publish and document the landed data, after a load or an undo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline import clock
from pipeline.console.display import Display, counted, first_of
from pipeline.dbt.runner import Dbt, DbtError
from pipeline.dbt.session import close_connections
from pipeline.errors import FailedTestsError, PipelineError
from pipeline.foreign_text import shown
from pipeline.settings import Settings
from pipeline.site.docs import build_site, generate
from pipeline.warehouse.ledger import next_id
from pipeline.warehouse.loads import newest_loaded
from pipeline.warehouse.publish import publish
from pipeline.warehouse.state import read_state
from pipeline.warehouse.warehouse import Warehouse

STEPS = {"Build": 20.0, "Test": 25.0, "Publish": 2.0, "Docs": 4.0, "Report": 18.0}
"""The steps of a rebuild, and how long each usually takes in relation to the others."""


def rebuild(
    settings: Settings,
    warehouse: Warehouse,
    dbt: Dbt,
    fingerprint: str,
    display: Display,
    *,
    load_ids: Sequence[str] = (),
) -> int:
    """Build, test, publish and document the landed data; return how many tests passed.

    load_ids are the loads of this run; a failed test names them.
    """
    from pipeline.site.report.build import build_report  # Altair takes a third of a second

    run_id = new_run_id(warehouse)
    with display.step("Build") as step:
        results = dbt.command(
            "build", "--resource-type", "seed", "--resource-type", "model", on_progress=display.progress
        )
        step.summary = counted(len(results), "table")
    begin_tests(dbt, run_id)
    passed = run_data_tests(settings, dbt, display, load_ids)
    generate(dbt, display, is_compiled=True)
    record_run(dbt, run_id, fingerprint)
    if settings.target == "duckdb":
        publish_build(settings, display)
    with written_or_gone(settings.report_page):
        state = read_state(warehouse)
        with display.step("Docs") as step:
            step.summary = shown(build_site(settings, state, fingerprint=fingerprint, with_erd=False))
        with display.step("Report") as step:
            step.summary = shown(build_report(settings, state))
    return passed


def new_run_id(warehouse: Warehouse) -> str:
    """The ID of a run that begins now. dbt must not have the work file open."""
    if not warehouse.has_table("staging", "run_history"):
        return next_id(None)
    return next_id(warehouse.query(f"select max(run_id) from {warehouse.schema('staging')}.run_history").rows[0][0])


def begin_tests(dbt: Dbt, run_id: str) -> None:
    """Record that the tables are about to be tested; record_run looks for this."""
    dbt.run_operation("begin_tests", run_id=run_id, began_at=_now())


def record_run(dbt: Dbt, run_id: str, fingerprint: str) -> None:
    """Record that the tests of the project with this fingerprint have passed, which publishing requires.

    Raises:
        PipelineError: another dbt command has written models since begin_tests.
    """
    if not dbt.logged_by("record_run", run_id=run_id, project_fingerprint=fingerprint, finished_at=_now()):
        raise PipelineError(
            "Another dbt command wrote tables while they were being tested, so the run is not complete. "
            "Run it again when that command has finished."
        )


def _now() -> str:
    return f"{clock.now():%Y-%m-%d %H:%M:%S.%f}"


def run_data_tests(settings: Settings, dbt: Dbt, display: Display, load_ids: Sequence[str] = ()) -> int:
    """Run all data tests of the project; return how many passed. load_ids are the loads of this run, if any.

    Raises:
        PipelineError: a test failed or did not run. A test with severity warn only warns.
    """
    expected = dbt.data_tests()
    if not expected:
        raise FailedTestsError(f"The project has no enabled data tests. {_outcome(settings)}")
    with display.step("Test") as step:
        try:
            tests = dbt.command("test", "--resource-type", "test", on_progress=display.progress)
        except DbtError as error:
            if not any(failure.is_refusal for failure in error.failures):
                raise PipelineError(*_not_published(settings, error)) from error
            lines = [*_not_published(settings, _with_rows(dbt, error)), *_undo_advice(settings, load_ids)]
            raise FailedTestsError(*lines) from error
        ran = {test.node.unique_id for test in tests if test.status in ("pass", "warn")}
        if lacking := sorted(name for key, name in expected.items() if key not in ran):
            raise FailedTestsError(
                f"{len(lacking):,} of {counted(len(expected), 'test')} did not run: {first_of(lacking)}. "
                f"{_outcome(settings)} See logs/dbt.log for the reason."
            )
        passed = sum(1 for test in tests if test.status == "pass")
        step.summary = f"{passed:,} of {counted(len(expected), 'test')} passed"
    for test in tests:
        if test.status == "warn":
            display.warn(f"Test {test.node.name}: {test.message}")
    return passed


def _with_rows(dbt: Dbt, error: DbtError) -> DbtError:
    """Run the failed tests again so that they store their failing rows in tables."""
    names = [failure.name for failure in error.failures if failure.is_refusal]
    try:
        dbt.command("test", "--store-failures", "--select", *names)
    except DbtError as with_rows:
        return with_rows
    return error


def publish_build(settings: Settings, display: Display) -> None:
    close_connections()
    with display.step("Publish") as step:
        step.summary = shown(publish(settings))


def _not_published(settings: Settings, error: DbtError) -> list[str]:
    text = _outcome(settings)
    if settings.target != "duckdb":
        return [*error.args, text]
    relations = [failure.relation for failure in error.failures if failure.relation]
    if relations:
        text += f' See the failing rows with: ./inv query "select * from {relations[0]}"{settings.work_flags}'
    return [*error.args, text]


def _outcome(settings: Settings) -> str:
    if settings.target == "duckdb":
        return "Nothing was published; analysts still see the earlier data."
    return "The run is not complete, but the tables contain what it built."


def _undo_advice(settings: Settings, load_ids: Sequence[str]) -> list[str]:
    """How to undo the load whose data fails a test."""
    if settings.target == "duckdb":
        close_connections()
    if load_ids:
        named = [(load_id, f"This run made load {load_id}") for load_id in load_ids]
    else:
        newest = newest_loaded(Warehouse(settings))
        named = [(newest, f"The newest load is {newest}")] if newest else []
    return [
        f"{which}; if its data is wrong, undo it with: ./inv load.undo {load_id}{settings.flags}"
        for load_id, which in named
    ]


@contextmanager
def written_or_gone(page: Path) -> Iterator[None]:
    """Delete a page that could not be written: the old one would be taken for new, also by the next run."""
    try:
        yield
    except BaseException:
        page.unlink(missing_ok=True)
        raise
