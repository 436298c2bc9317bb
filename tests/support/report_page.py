"""What stands in a written report, read as a browser would read it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any


def as_shown(value: Any) -> str:
    """A value as the page's tables have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return str(int(number)) if number.is_integer() else str(number)


@dataclass
class Article:
    """One question of the page. figures are its table's cells as they stand there."""

    finding: str = ""
    empty: str = ""
    sql: str = ""
    link: str = ""
    columns: list[str] = field(default_factory=list)
    figures: list[list[str]] = field(default_factory=list)
    chart: dict[str, Any] | None = None

    @property
    def numbers(self) -> list[float]:
        """Every number of the finding, in its order."""
        return [float(text.replace(",", "")) for text in re.findall(r"\d[\d,]*(?:\.\d+)?", self.finding)]


class ReportPage(HTMLParser):
    """The articles of a report by the name of their question, the figures of its head, and all of its plain text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.articles: dict[str, Article] = {}
        self.head: dict[str, str] = {}
        self.counts: dict[str, int] = {}
        self.text = path.read_text(encoding="utf-8")
        self.plain_text = ""
        self._article = Article()
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("meta", "link", "br"):
            return
        self._open.append((tag, named))
        if tag == "article":
            self._article = self.articles[named["id"]] = Article()
        elif tag == "tr":
            self._row: list[str] = []
        elif tag == "td":
            self._row.append("")
        elif tag == "a" and self._is_within("article"):
            self._article.link = named["href"]

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()
        if tag != "tr" or not self._row:
            return
        if self._is_within("article"):
            self._article.figures.append(self._row)
        else:
            self.counts[self._row[0]] = int(self._row[1].replace(",", ""))

    def handle_data(self, data: str) -> None:
        if not self._open or not data.strip():
            return
        tag, named = self._open[-1]
        self.plain_text += data if tag in ("p", "li") else ""
        within = self._is_within("article")
        if tag == "p" and named.get("class") == "finding":
            self._article.finding += data
        elif tag == "p" and named.get("class") == "empty":
            self._article.empty += data
        elif tag == "code":
            self._article.sql += data
        elif tag == "th" and within:
            self._article.columns.append(data)
        elif self._is_within("td"):
            self._row[-1] += data
        elif tag == "script" and named.get("type") == "application/json":
            self._article.chart = json.loads(data)
        elif tag == "dd":
            self.head[named["id"].removeprefix("head-")] = data

    def _is_within(self, tag: str) -> bool:
        return any(name == tag for name, _ in self._open)
