"""Find every record of a load on Redshift that cannot be loaded as it is: its file, line, text, and what is wrong.

COPY with MAXERROR skips bad records and keeps no text of them. So it is run once into tables that are rolled back; its
errors stay in the system views and lead to the lines of the source.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.console.display import Display, counted
from pipeline.dbt.columns import JsonColumn
from pipeline.dbt.runner import Dbt, DbtError
from pipeline.errors import DataError, PipelineError
from pipeline.load.redshift.manifest import Manifest
from pipeline.load.redshift.problems import VIEW_ATTEMPTS, VIEW_PAUSE_SECONDS, SourceText, copy_problem
from pipeline.load.redshift.rules import broken_rule
from pipeline.load.rejects import BLANKS, BOM, Problem, Reject, line_text, parse_record, too_many
from pipeline.settings import MAX_ERRORS_LIMIT, Settings
from pipeline.warehouse.warehouse import Warehouse


@dataclass(frozen=True)
class _Trial:
    """A trial COPY of a table's files: its query IDs, and how many of its rows break the load's own rules."""

    table_name: str
    copy_ids: list[int]
    broken_count: int


@dataclass(frozen=True)
class _CopyError:
    column_name: str
    reason: str


def find_rejects(
    settings: Settings,
    manifest: Manifest,
    text: SourceText,
    dbt: Dbt,
    limit: int,
    display: Display,
    *,
    flawed: Sequence[Reject] = (),
) -> list[Reject]:
    """Every bad record that COPY reads, one reject each, ordered by file and line, without those in flawed.

    Raises:
        TooManyRejectsError: there are more than the limit.
        PipelineError: Redshift does not report where each bad record is.
    """
    display.progress(0, 0, "looking for bad records")
    warehouse = Warehouse(settings)
    rejects: list[Reject] = []
    for trial in _trials(dbt, manifest, limit):
        errors = _copy_errors(warehouse, trial.copy_ids, text)
        known = {(reject.problem.file_key, reject.problem.line_number) for reject in flawed}
        found = [
            reject
            for reject in _rejects(trial, errors, text, dbt.json_columns(trial.table_name))
            if (reject.problem.file_key, reject.problem.line_number) not in known
        ]
        broken = sum(not reject.by_copy for reject in found)
        if broken != trial.broken_count:
            raise DataError(
                f"{trial.table_name}: {counted(trial.broken_count, 'row')} with bad values, but {broken:,} found in "
                "the source. Nothing was loaded. If a file was still being written, load again when it is complete."
            )
        rejects += found
    rejects.sort(key=lambda reject: (reject.problem.file_key, reject.problem.line_number))
    if len(rejects) + len(flawed) > limit:
        problems = sorted(
            (reject.problem for reject in [*rejects, *flawed]), key=lambda item: (item.file_key, item.line_number)
        )
        raise too_many(problems, len(problems), limit)
    return rejects


def _trials(dbt: Dbt, manifest: Manifest, limit: int) -> list[_Trial]:
    try:
        said = dbt.logged_by("try_copy", manifest={**manifest.argument, "copy_max_errors": MAX_ERRORS_LIMIT})
    except DbtError as error:
        if "sys_load_error_detail" not in str(error) and "stl_load_errors" not in str(error):
            raise
        raise too_many([], f"{MAX_ERRORS_LIMIT:,} or more", limit) from error
    return [_Trial(**json.loads(line)) for line in said.split("\n") if line]


def _copy_errors(warehouse: Warehouse, copy_ids: list[int], text: SourceText) -> dict[str, dict[int, _CopyError]]:
    """What COPY refused, by file and line: the first error of each line in the system views."""
    ids = ", ".join(map(str, copy_ids))
    totals = "select count(*), coalesce(sum(error_count), 0) from sys_load_history"
    detail = (
        "select trim(file_name), line_number, trim(column_name), trim(error_message) from sys_load_error_detail "
        f"where query_id in ({ids}) order by file_name, line_number"
    )
    copies, expected, rows = 0, 0, []
    for attempt in range(VIEW_ATTEMPTS):
        if attempt:
            time.sleep(VIEW_PAUSE_SECONDS)
        copies, expected = warehouse.query(f"{totals} where query_id in ({ids}) and status = 'completed'").rows[0]
        rows = warehouse.query(detail).rows
        if copies == len(copy_ids) and len(rows) >= expected:
            break
    else:
        raise PipelineError(
            f"COPY skipped {counted(int(expected), 'record')}, but SYS_LOAD_ERROR_DETAIL names {len(rows):,} of them. "
            "Nothing was loaded; load again, or fix the files."
        )
    errors: dict[str, dict[int, _CopyError]] = defaultdict(dict)
    for address, line_number, column_name, reason in rows:
        key, number = text.origin(address, line_number)
        errors[key].setdefault(number, _CopyError(column_name, reason))
    return errors


def _rejects(
    trial: _Trial, errors: dict[str, dict[int, _CopyError]], text: SourceText, columns: list[JsonColumn]
) -> Iterator[Reject]:
    """COPY's errors with their lines and, if rows break rules, every record of the table's files that breaks one."""
    files = [file for file in text.files if file.table_name == trial.table_name]
    reads_all = trial.broken_count > 0
    for file, content in text.contents([file for file in files if reads_all or file.key in errors]):
        lines = content.removeprefix(BOM).split(b"\n")
        of_file = errors.get(file.key, {})
        for number in range(1, len(lines) + 1) if reads_all else sorted(of_file):
            line = lines[number - 1].strip(BLANKS) if number <= len(lines) else b""
            if problem := _problem(file.key, number, line, of_file.get(number), columns):
                yield Reject(trial.table_name, problem, line_text(line)[0], number in of_file)


def _problem(key: str, number: int, line: bytes, error: _CopyError | None, columns: list[JsonColumn]) -> Problem | None:
    """The first of a line's problems in the order of the columns."""
    record = parse_record(line)
    broken = broken_rule(record, columns) if record is not None else None
    names = [column.name for column in columns]
    if error and not (broken and error.column_name in names and broken[0] < names.index(error.column_name)):
        return copy_problem(key, number, line, error.column_name, error.reason, columns)
    if broken and record is not None:
        json_key = columns[broken[0]].json_key
        return Problem(key, number, json_key, record.get(json_key), broken[1])
    return None
