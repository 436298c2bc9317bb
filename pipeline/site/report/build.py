"""Query the warehouse for all questions of the report and write its page, or its charts as SVG files."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.site.report.page import Answer, render, vega_scripts
from pipeline.site.report.question import Section, rows_of
from pipeline.site.report.sections import rules, sections
from pipeline.site.report.theme import painted
from pipeline.warehouse.state import State
from pipeline.warehouse.warehouse import Warehouse

SVG_WIDTH = 720


def build_report(settings: Settings, state: State, database: Path | None = None) -> Path:
    """Write the report of the warehouse, or of a database file; return its page."""
    page = settings.report_page
    text = _page(settings, state, database)
    page.parent.mkdir(parents=True, exist_ok=True)
    unfinished = page.with_suffix(".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(page)
    return page


def write_charts(settings: Settings, names: list[str], folder: Path, database: Path | None = None) -> list[Path]:
    """Write charts as SVG files, light and dark, and return their paths. names: the names of the questions."""
    import vl_convert

    known = [question.name for section in sections() for question in section.questions]
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"The report has no chart named {', '.join(unknown)}. Choose from: {', '.join(known)}.")
    warehouse = Warehouse(settings)
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for answer in (answer for _, answers in answers(warehouse, database) for answer in answers):
        if answer.question.name not in names or answer.chart is None:
            continue
        specification = {**answer.chart, "width": SVG_WIDTH, "padding": 10}
        drawing = vl_convert.vegalite_to_svg(json.dumps(specification))
        for number, ground in enumerate(("light", "dark")):
            path = folder / f"{answer.question.name}-{ground}.svg"
            path.write_text(painted(drawing, number), encoding="utf-8")
            written.append(path)
    return written


def _page(settings: Settings, state: State, database: Path | None) -> str:
    warehouse = Warehouse(settings)
    return render(
        sections=answers(warehouse, database),
        rules=rules(),
        head=state.listening,
        state=state,
        pages={**settings.pages, "Report": None},
        vega=vega_scripts(PROJECT_ROOT / ".sparkify"),
    )


def answers(warehouse: Warehouse, database: Path | None) -> list[tuple[Section, list[Answer]]]:
    """Every question with its answer from the warehouse, or from a database file."""
    return [
        (
            section,
            [
                Answer.of(question, rows_of(warehouse.query(question.sql, database=database)))
                for question in section.questions
            ],
        )
        for section in sections()
    ]
