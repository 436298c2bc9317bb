"""The load on DuckDB: merge small files on disk, and read them in one transaction."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from pipeline import clock
from pipeline.console.display import Display
from pipeline.dbt.runner import Dbt, DbtError
from pipeline.dbt.session import close_connections
from pipeline.errors import PipelineError
from pipeline.foreign_text import first_line
from pipeline.interrupts import stop_if_interrupted
from pipeline.load.duckdb.folder import LoadFolder, fill_load_folder, put_big_files_among_lines
from pipeline.load.plan import LoadPlan
from pipeline.load.rejects import Problem, bad_values, too_many, uncounted
from pipeline.warehouse.ledger import loaded_twice


def load_duckdb(plan: LoadPlan, load_id: str, path: Path, dbt: Dbt, display: Display) -> tuple[list[str], list[str]]:
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
