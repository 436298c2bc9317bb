"""Print what a run or a load did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from pipeline.console.display import counted, first_of, print_json, print_table, print_text, simple_table
from pipeline.foreign_text import shown
from pipeline.load.plan import LoadReport
from pipeline.load.rejects import Rejects
from pipeline.run.run import RunReport
from pipeline.warehouse.sources import SAMPLE_NOTE


def print_report(report: RunReport, *, as_json: bool, quiet: bool) -> None:
    """Print a run's outcome on standard output: a table, or JSON."""
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        _print_table(report)


def print_load(report: LoadReport | None, *, as_json: bool, quiet: bool, flags: str, work_flags: str) -> None:
    """Print a load's outcome on standard output. report is None where there was nothing new.

    flags lead another command to the warehouse, work_flags a query to what the load has written.
    """
    if as_json:
        print_json(asdict(report) if report else {"files": {}, "rows": {}})
    elif not quiet:
        if report is None:
            print_text("Nothing new to load.")
        else:
            again = f" ({counted(len(report.replaced), 'file')} loaded again)" if report.replaced else ""
            said = f"Load {report.load_id}: {_loaded(report)}{again}. Build from it with: ./inv run{flags}"
            print_text(said, *_remarks(report))
            if report.rejects:
                print_text(_rejected(report.rejects, work_flags))


def _rejected(rejects: Rejects, flags: str) -> str:
    verb = "was" if rejects.count == 1 else "were"
    return f'{counted(rejects.count, "record")} {verb} rejected; see them with: ./inv query "{rejects.query}"{flags}'


def _remarks(report: LoadReport) -> Iterator[str]:
    """What may point to a fault of the delivery: files without a record, days without events."""
    if report.empty_files:
        yield f"{counted(len(report.empty_files), 'empty file')}: {first_of(report.empty_files)}"
    if report.missing_days:
        first, others = report.missing_days[0], len(report.missing_days) - 1
        yield f"No events on {first}" + (f" and {counted(others, 'more day')}" if others else "")


def _loaded(report: LoadReport) -> str:
    return ", ".join(
        f"{counted(report.rows.get(table, 0), 'row')} into {table} from {counted(count, 'file')}"
        for table, count in sorted(report.files.items())
    )


def _print_table(report: RunReport) -> None:
    if not report.built:
        print_text("Nothing new: no new files, the project as it was, and the last run was complete.")
    print_text("")
    table = simple_table()
    table.add_column("Warehouse")
    table.add_column("", justify="right")
    table.add_row("files in the source", f"{report.listed_files:,}")
    if report.load:
        for name, count in sorted(report.load.files.items()):
            table.add_row(f"new files for {name}", f"{count:,}")
            table.add_row(f"new rows in {name}", f"{report.load.rows.get(name, 0):,}")
        if report.load.rejects:
            table.add_row("rejected records", f"{report.load.rejects.count:,}")
        if report.load.replaced:
            table.add_row("of the files loaded again", f"{len(report.load.replaced):,}")
    table.add_section()
    for name, count in report.row_counts.items():
        table.add_row(name, f"{count:,}")
    if report.plays_without_user:
        table.add_row("plays without a user", f"{report.plays_without_user:,}")
    table.add_section()
    if report.tests_passed is not None:
        table.add_row("tests passed", f"{report.tests_passed:,}")
    table.add_row("time", f"{sum(report.seconds.values()):.1f} s")
    print_table(table)
    if report.is_sample:
        print_text("", f"{SAMPLE_NOTE} Load yours with: ./inv run --source FOLDER{report.flags}")
    print_text(
        "",
        f"Database  {shown(report.database)}",
        f"Docs      {shown(report.docs_page)}",
        f"Report    {shown(report.report_page)}",
        f'Ask it    ./inv query "select level, count(*) as plays from songplays group by level"{report.flags}',
        *(_remarks(report.load) if report.load else ()),
    )
    if report.load and report.load.rejects:
        print_text(_rejected(report.load.rejects, report.flags))
