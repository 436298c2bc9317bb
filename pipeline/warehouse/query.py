"""Print what a query gives: as a table, as CSV or as JSON."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import sys
from pathlib import Path
from typing import Any

from rich.text import Text

from pipeline.console.display import counted, print_json, print_table, print_text, simple_table
from pipeline.errors import UsageError
from pipeline.foreign_text import printable, shown
from pipeline.settings import Settings
from pipeline.warehouse.ask import ask
from pipeline.warehouse.sources import tell_of_sample
from pipeline.warehouse.state import untested_note
from pipeline.warehouse.warehouse import Result, Warehouse
from pipeline.warehouse.work_file import is_ahead

NUMBERS = (int, float, decimal.Decimal)
ROWS_ON_A_SCREEN = 100


def print_query(settings: Settings, sql: str, *, as_csv: bool, as_json: bool) -> None:
    """Run a statement on what is published, or on Redshift, and print its rows on standard output.

    A terminal gets the first rows, one value a line where they are too wide for it; a pipe or a file gets all of them.
    """
    if as_csv and as_json:
        raise UsageError("--csv or --json, not both.")
    warehouse, database = Warehouse(settings), published(settings)
    result = ask(warehouse, sql, database=database)
    tell_of_sample(warehouse, database)
    if note := untested_note(warehouse, database):
        print_text(note, file=sys.stderr)
    if as_json:
        names = _distinct(result.columns)
        rows = [{name: _json_value(value) for name, value in zip(names, row, strict=True)} for row in result.rows]
        print_json(rows)
    elif as_csv:
        # Exact data for a file or another program; a terminal would act on what is in it.
        shown_value = printable if sys.stdout.isatty() else str
        for row in [result.columns, *result.rows]:
            sys.stdout.write(",".join(shown_value(_csv_value(value)) for value in row) + "\n")
    else:
        _print_rows(result)


def read_sql(sql: str, file: str) -> str:
    """The statement itself, or what a file or standard input holds: that where sql is "-", or where neither is given.

    Raises:
        UsageError: there is no statement, or more than one place to take it from.
    """
    if sql and file:
        raise UsageError("Pass SQL or --file, not both.")
    if not file and sql not in ("", "-"):
        return sql
    if not file and sys.stdin.isatty():
        raise UsageError('query needs SQL: ./inv query "select …", --file FILE, or SQL on standard input.')
    try:
        read = Path(file).read_bytes() if file else sys.stdin.buffer.read()
        text = read.decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"There is no file {file}.") from None
    except IsADirectoryError:
        raise UsageError(f"{file} is a folder; --file takes a file with SQL.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file or 'Standard input'} is not UTF-8: byte {error.start + 1:,}.") from None
    if not text.strip():
        raise UsageError(f"There is no SQL in {file or 'standard input'}.")
    return text


def published(settings: Settings) -> Path | None:
    """The file that analysts read: the published one, before that the work file; None on Redshift."""
    if settings.target != "duckdb":
        return None
    published, work = settings.database, settings.work_database
    if not published.exists():
        if work.exists() and Warehouse(settings).is_begun():
            print_text(f"Nothing is published yet; this is the work file {shown(work)}.", file=sys.stderr)
            return work
        return published
    if is_ahead(settings):
        text = f"The work file is ahead of what is published; ./inv publish{settings.flags} tests and brings it over."
        print_text(text, file=sys.stderr)
    return published


def _print_rows(result: Result) -> None:
    if not result.columns:
        return
    is_terminal = sys.stdout.isatty()
    rows = result.rows[:ROWS_ON_A_SCREEN] if is_terminal else result.rows
    table = simple_table()
    for number, column in enumerate(result.columns):
        values = [row[number] for row in rows if row[number] is not None]
        is_number = bool(values) and all(isinstance(v, NUMBERS) and not isinstance(v, bool) for v in values)
        table.add_column(Text(printable(column)), justify="right" if is_number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    print_table(table)
    ending = f", of which the first {len(rows):,} are shown" if len(rows) < len(result.rows) else ""
    print_text("", f"{counted(len(result.rows), 'row')}{ending}")


def _cell(value: Any) -> Text:
    return Text("NULL", style="dim") if value is None else Text(printable(_text(value)))


def _text(value: Any) -> str:
    """A value as the engines' own clients write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="milliseconds" if value.microsecond % 1000 == 0 else "microseconds")
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _csv_value(value: Any) -> str:
    """Nothing for NULL, and quotes where they are needed; the empty text needs them."""
    if value is None:
        return ""
    text = _text(value)
    if not text or any(letter in text for letter in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _distinct(columns: list[str]) -> list[str]:
    """The columns' names, numbered where two are the same: an object has a key only once."""
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def _json_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, decimal.Decimal):
        if value == value.to_integral_value():
            return int(value)
        return float(value) if decimal.Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return _text(value)
