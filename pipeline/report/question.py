"""What a question of the report is, and how its rows come from the warehouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import altair as alt

from pipeline.warehouse import Result

SQL_FOLDER = Path(__file__).parent / "sql"

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """A question that a chart answers.

    name is that of its SQL file; model is where the docs site has more on it. picture tells, before the finding, what
    the chart shows to somebody who cannot see it. finding and chart get at least one row.
    """

    name: str
    title: str
    model: str
    picture: str
    finding: Callable[[Rows], str]
    chart: Callable[[Rows], alt.TopLevelMixin]

    @property
    def sql(self) -> str:
        return (SQL_FOLDER / f"{self.name}.sql").read_text(encoding="utf-8").strip()


@dataclass(frozen=True)
class Section:
    """Questions under one heading."""

    name: str
    title: str
    questions: tuple[Question, ...]


def rows_of(result: Result) -> Rows:
    """A query's rows with numbers, texts and ISO dates that are alike on both engines."""
    names = [column.lower() for column in result.columns]
    return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in result.rows]


def has_figures(rows: Rows) -> bool:
    """Whether there is anything to draw: a row, and a number in it that is not zero."""
    return any(isinstance(value, int | float) and value for row in rows for value in row.values())


def total(rows: Rows, name: str, **where: Any) -> Any:
    """The sum of a column over the rows that have these values."""
    return sum(row[name] for row in rows if all(row[key] == value for key, value in where.items()))


def percent(part: float, whole: float) -> str:
    """A share in whole percent; one decimal below 10%, and nothing rounded to none or to all."""
    if not whole:
        return "none"
    share = 100 * part / whole
    if part == whole or not part:
        return f"{share:.0f}%"
    digits = 0 if 10 <= share <= 99 else 1
    return f"{min(max(share, 0.1), 99.9):.{digits}f}%"


def number(count: float, noun: str, plural: str = "") -> str:
    """A count with its noun: 1 play, 1,831 plays."""
    return f"{count:,.0f} {noun if count == 1 else plural or noun + 's'}"


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, dt.date) else value
