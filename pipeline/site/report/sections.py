"""The report's questions from questions.yml, and docs/findings.md, which lists them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pipeline.settings import PROJECT_ROOT
from pipeline.site.report import listening, music, people, sessions, words
from pipeline.site.report.question import Question, Section

QUESTIONS = Path(__file__).with_name("questions.yml")
METRICS = PROJECT_ROOT / "models" / "metrics" / "metrics.yml"
PAGE = PROJECT_ROOT / "docs" / "findings.md"
FINDINGS = {**listening.FINDINGS, **sessions.FINDINGS, **music.FINDINGS, **people.FINDINGS}
CONSTANTS = {name: value for name, value in vars(words).items() if name.isupper()}
HEAD = """\
# What the findings mean

What each finding of the report counts, and what could mislead a reader. This page is generated from
`pipeline/site/report/questions.yml`, which also has the questions and definitions shown in the report, and from the
descriptions in `models/metrics/metrics.yml`. After a change to either, run `./inv report --definitions`.

A play is a song that a logged-in user played: a NextSong event, counted once even if it was delivered several times.
Days, weeks and hours are UTC. Numbers are rounded half up; a share is shown as 0% or 100% only if it is exactly that.

## At the top of the report
"""


@cache
def rules() -> dict[str, str]:
    """The rules that several findings share, by name."""
    return {name: _text(rule) for name, rule in _file()["rules"].items()}


@cache
def sections() -> tuple[Section, ...]:
    """All questions of the report, in order."""
    return tuple(
        Section(entry["name"], entry["title"], tuple(_question(question) for question in entry["questions"]))
        for entry in _file()["sections"]
    )


def write_definitions() -> Path:
    """Write docs/findings.md, and return its path."""
    PAGE.write_text(definitions(), encoding="utf-8")
    return PAGE


def definitions() -> str:
    """The text of docs/findings.md: the definition, rules and traps of every finding."""
    metrics = {
        entry["name"]: f"Metric `{entry['name']}`: {entry['description'].strip()}"
        for entry in yaml.safe_load(METRICS.read_text(encoding="utf-8"))["metrics"]
    }
    lines = [HEAD, *(f"- **{_name(name)}.** {metrics.get(text, text)}" for name, text in _file()["head"].items())]
    lines += ["", "## Rules", "", *(f"- **{_name(rule)}.** {text}" for rule, text in rules().items())]
    for section in sections():
        lines += ["", f"## {section.title}"]
        for question in section.questions:
            sql = f"analyses/{question.analysis}" if question.analysis else f"pipeline/site/report/sql/{question.name}"
            lines += ["", f"### {question.title}", "", question.definition, ""]
            lines += [f"- {trap}" for trap in question.traps]
            lines += (
                [f"- Rules: {', '.join(_name(rule).lower() for rule in question.rules)}."] if question.rules else []
            )
            lines += [f"- {metrics[name]}" for name in question.metrics]
            lines += [f"- SQL: `{sql}.sql`; chart: `{question.name}`."]
    return "\n".join(lines) + "\n"


def _question(entry: dict[str, Any]) -> Question:
    texts: dict[str, Any] = {
        key: _text(value) if isinstance(value, str) else tuple(map(_text, value)) for key, value in entry.items()
    }
    return Question(**texts, finding=FINDINGS[entry["name"]])


def _text(text: str) -> str:
    return text.format_map(CONSTANTS).strip()


def _name(rule: str) -> str:
    return rule.replace("_", " ").capitalize()


@cache
def _file() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(QUESTIONS.read_text(encoding="utf-8"))
    return content
