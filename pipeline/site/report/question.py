"""A question of the report, and its rows as they come from the warehouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import altair as alt

from pipeline.settings import PROJECT_ROOT
from pipeline.site.docs import REF
from pipeline.warehouse.warehouse import Result

SQL_FOLDER = Path(__file__).parent / "sql"
ANALYSES = PROJECT_ROOT / "analyses"

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Finding:
    """The sentences above a chart and the chart itself, both made from the question's rows (at least one)."""

    words: Callable[[Rows], str]
    chart: Callable[[Rows], alt.TopLevelMixin]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question as defined in questions.yml, with its finding."""

    name: str
    title: str
    definition: str
    """What is counted, and how."""
    rules: tuple[str, ...] = ()
    """Names of the rules that apply to the finding."""
    traps: tuple[str, ...] = ()
    """What could mislead a reader, and what is done about it."""
    metrics: tuple[str, ...] = ()
    """The metrics of models/metrics that the finding reports."""
    model: str
    """The model that the page links to."""
    measure: str
    """A column of the rows. If it is 0 in all of them, there is no chart."""
    picture: str
    """Alternative text for the chart. The finding is appended to it."""
    finding: Finding
    analysis: str = ""
    """The analysis whose SQL is used. If empty, the SQL is in sql/."""
    lacking: str = "There are no plays yet."
    """The text of the page if there is no chart."""

    @property
    def sql(self) -> str:
        path = ANALYSES / f"{self.analysis}.sql" if self.analysis else SQL_FOLDER / f"{self.name}.sql"
        return REF.sub(r"\1", path.read_text(encoding="utf-8")).strip()


@dataclass(frozen=True)
class Section:
    """Questions under one heading."""

    name: str
    title: str
    questions: tuple[Question, ...]


def rows_of(result: Result) -> Rows:
    """A query's rows with numbers, texts and ISO dates that are the same on both engines."""
    names = [column.lower() for column in result.columns]
    return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in result.rows]


def total(rows: Rows, name: str, **where: Any) -> Any:
    """The sum of a column over the rows with these values."""
    return sum(row[name] for row in rows if all(row[key] == value for key, value in where.items()))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, dt.date) else value
