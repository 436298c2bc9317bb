"""What a question of the report is, and how its rows come from the warehouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import altair as alt

from pipeline.docs_site import REF
from pipeline.settings import PROJECT_ROOT
from pipeline.warehouse import Result

SQL_FOLDER = Path(__file__).parent / "sql"
ANALYSES = PROJECT_ROOT / "analyses"

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Finding:
    """What a question's rows are made into: the sentences above the chart, and the chart. Both get at least one row."""

    words: Callable[[Rows], str]
    chart: Callable[[Rows], alt.TopLevelMixin]


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question that a chart answers, as questions.yml has it, with its finding."""

    name: str
    title: str
    definition: str
    """What is counted, and how."""
    rules: tuple[str, ...] = ()
    """Names of the rules that the finding follows."""
    traps: tuple[str, ...] = ()
    """What could mislead a reader, and what is done about it."""
    metrics: tuple[str, ...] = ()
    """The metrics of models/metrics whose figures the finding has."""
    model: str
    """The model that the page links to."""
    measure: str
    """A column of the rows. If it is 0 in all of them, there is nothing to draw."""
    picture: str
    """What the chart shows, for somebody who cannot see it. The finding follows."""
    finding: Finding
    analysis: str = ""
    """The analysis that asks the same and has the SQL. Without one, the SQL is in sql/."""
    lacking: str = "There are no plays yet."
    """What the page says if there is nothing to draw."""

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
    """A query's rows with numbers, texts and ISO dates that are alike on both engines."""
    names = [column.lower() for column in result.columns]
    return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in result.rows]


def total(rows: Rows, name: str, **where: Any) -> Any:
    """The sum of a column over the rows that have these values."""
    return sum(row[name] for row in rows if all(row[key] == value for key, value in where.items()))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, dt.date) else value
