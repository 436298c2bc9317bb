"""The report as one self-contained HTML page."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import altair as alt

from pipeline.site.pages import template, visible
from pipeline.site.report.question import Question, Rows
from pipeline.site.report.theme import CONFIG, css
from pipeline.warehouse.state import moment

FOLDER = Path(__file__).parent
MOST_FIGURES = 100


@dataclass(frozen=True)
class Answer:
    """A question with its rows from the warehouse. Without figures there is neither a finding nor a chart."""

    question: Question
    rows: Rows
    finding: str | None
    chart: dict[str, Any] | None
    """In Vega-Lite, including its data; its description is the alternative text."""

    @classmethod
    def of(cls, question: Question, rows: Rows) -> Answer:
        rows = visible(rows)
        if not any(row[question.measure] for row in rows):
            return cls(question, rows, None, None)
        finding, chart = question.finding.words(rows), question.finding.chart(rows).to_dict()
        chart.pop("$schema", None)
        alternative = f"{question.picture} {finding}"
        return cls(question, rows, finding, {**chart, "description": alternative, "config": CONFIG})

    @property
    def figures(self) -> Rows:
        return self.rows[:MOST_FIGURES]


def render(**values: Any) -> str:
    """The page from its template, with the values that the template uses."""
    return template(FOLDER / "page.html.j2").render(
        moment=moment,
        light=css(0),
        dark=css(1),
        style=(FOLDER / "page.css").read_text(encoding="utf-8"),
        script=(FOLDER / "page.js").read_text(encoding="utf-8"),
        **values,
    )


def vega_scripts(cache: Path) -> str:
    """Vega, Vega-Lite and Vega-Embed as one script. Bundling takes 1.6 s, so the result is cached in a folder."""
    import vl_convert

    language = ".".join(alt.VEGALITE_VERSION.split(".")[:2])
    path = cache / f"vega-{version('vl-convert-python')}-{language}.js"
    with suppress(OSError):
        return path.read_text(encoding="utf-8")
    script = vl_convert.javascript_bundle(vl_version=language)  # type: ignore[call-arg]  # snippet may be left out
    with suppress(OSError):  # a read-only project does without the cache
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_text(script, encoding="utf-8")
        unfinished.replace(path)
    return script
