"""How many cases the tests tested: printed at the end of a run, and kept in docs/promises.md by a thorough one.

A test reports its cases through the fixture `figures`. Figures of failed tests are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from typing import Any

import pytest

from pipeline.settings import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "promises.md"
PROPERTY = "figure"
ROW = re.compile(r"^\| (\d) \| (.+) \| (.+) \| ([\d,]+) \|$", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Figure:
    """The number of cases of a test on an engine in which a promise (by its number in docs/promises.md) held."""

    promise: int
    tried: str
    engine: str
    cases: int

    @property
    def row(self) -> str:
        return f"| {self.promise} | {self.tried} | {self.engine} | {self.cases:,} |"


def adder(node: pytest.Item) -> Callable[..., None]:
    def add(promise: int, tried: str, engine: str, cases: int) -> None:
        node.user_properties.append((PROPERTY, astuple(Figure(promise, tried, engine, cases))))

    return add


def collected(reports: Iterable[Any]) -> list[Figure]:
    """The figures of the tests that passed, in any process, summed by promise, test and engine."""
    found = [value for report in reports for name, value in getattr(report, "user_properties", ()) if name == PROPERTY]
    cases: Counter[tuple[int, str, str]] = Counter()
    for promise, tried, engine, count in found:
        cases[promise, tried, engine] += count
    return sorted(Figure(*trial, count) for trial, count in cases.items())


def keep(figures: list[Figure]) -> None:
    """Put the figures into the page's table. They replace older figures of the same test and engine."""
    text = PAGE.read_text(encoding="utf-8")
    rows = {}
    for promise, tried, engine, cases in ROW.findall(text):
        rows[int(promise), tried, engine] = Figure(int(promise), tried, engine, int(cases.replace(",", "")))
    for figure in figures:
        rows[figure.promise, figure.tried, figure.engine] = figure
    head = text[: text.index("|---")] + text[text.index("|---") :].split("\n", 1)[0]
    PAGE.write_text("\n".join([head, *(figure.row for figure in sorted(rows.values()))]) + "\n", encoding="utf-8")
