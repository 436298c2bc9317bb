"""Print what a query gives: as a table, as CSV or as JSON."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import json
import sys
from pathlib import Path
from typing import Any

from rich.markup import escape

from pipeline.display import print_table, simple_table
from pipeline.settings import Settings
from pipeline.warehouse import Result, Warehouse

NUMBERS = (int, float, decimal.Decimal)


def print_query(settings: Settings, sql: str, *, as_csv: bool, as_json: bool) -> None:
    """Run a statement on what is published, or on Redshift, and print its rows on standard output."""
    database = _database(settings) if settings.target == "duckdb" else None
    result = Warehouse(settings).query(sql, database=database)
    if as_json:
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
        print(json.dumps(rows, default=_json_value, ensure_ascii=False, indent=2))
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(result.columns)
        writer.writerows(result.rows)
    else:
        _print_table(result)


def _database(settings: Settings) -> Path:
    """The published file; before anything is published, the work file."""
    published, work = settings.database, settings.work_database
    if not published.exists():
        if work.exists():
            print(f"Nothing is published yet; this is the work file {work}.", file=sys.stderr)
            return work
        return published
    if work.exists() and work.stat().st_mtime > published.stat().st_mtime:
        print("The work file is ahead of what is published; invoke publish brings it over.", file=sys.stderr)
    return published


def _print_table(result: Result) -> None:
    if not result.columns:
        return
    table = simple_table()
    for number, column in enumerate(result.columns):
        values = [row[number] for row in result.rows if row[number] is not None]
        is_number = bool(values) and all(isinstance(value, NUMBERS) and not isinstance(value, bool) for value in values)
        table.add_column(escape(column), justify="right" if is_number else "left", overflow="fold")
    for row in result.rows:
        table.add_row(*(escape("" if value is None else str(value)) for value in row))
    print_table(table)
    print(f"\n{len(result.rows):,} row{'' if len(result.rows) == 1 else 's'}")


def _json_value(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value)
