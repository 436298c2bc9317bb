"""Every finding of the report, its figures and its sentences, held against a reference in plain Python.

On data made to mislead, on the simulated sample and on the real data; on DuckDB and on the Redshift stand-in; with what
MetricFlow says to the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from benches import Bench
from findings_reference import QUESTIONS, Found, findings_of
from metrics import ask
from misleading import CASES, Case, at
from projects import REAL_DATA, Project
from records import make_event, make_song
from report_page import ReportPage, as_shown

from pipeline.settings import PROJECT_ROOT
from pipeline.site.report.build import answers
from pipeline.site.report.sections import METRICS, PAGE, definitions, rules, sections
from pipeline.warehouse.warehouse import Warehouse


def records(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Every record of a source's files."""
    paths = sorted((folder / kind).rglob("*.json"))
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def shown(rows: Iterable[Iterable[Any]]) -> list[list[str]]:
    return [[as_shown(value) for value in row] for row in rows]


@dataclass(frozen=True)
class Compared:
    """A report beside what the reference says of the same source."""

    project: Project
    page: ReportPage
    expected: dict[str, Found]
    head: dict[str, str]


@pytest.fixture(scope="module", params=["sample", "real"])
def compared(request: pytest.FixtureRequest) -> Compared:
    project = request.getfixturevalue(request.param)
    source = project.root / "data/sample" if request.param == "sample" else REAL_DATA
    expected, head = findings_of(records(source, "log_data"), records(source, "song_data"))
    return Compared(project, ReportPage(project.root / "sparkify_docs/report.html"), expected, head)


def test_the_reference_answers_every_question() -> None:
    assert [question.name for section in sections() for question in section.questions] == list(QUESTIONS)


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_report_says_what_the_reference_says(compared: Compared, name: str) -> None:
    found, article = compared.expected[name], compared.page.articles[name]
    assert (article.finding or None) == found.words
    assert article.figures == shown(found.rows)[:100]


def test_the_head_and_the_docs_first_page_have_the_references_figures(compared: Compared) -> None:
    head = compared.head
    assert compared.page.head == head
    docs = (compared.project.root / "sparkify_docs/index.html").read_text(encoding="utf-8")
    songs = f"{head['listeners']} listeners played {head['songs']} songs by {head['artists']} artists"
    assert f"{songs}, {head['plays']} plays in all." in docs


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[] if case.says else [pytest.mark.thorough_on_redshift]) for case in CASES],
)
def test_data_made_to_mislead(engine: Bench, case: Case) -> None:
    engine.put("log_data/2018/11/events.json", *case.events)
    for number, song in enumerate(case.songs):
        engine.put(f"song_data/A/A/A/{number}.json", song)
    engine.load()
    engine.build(tests=False)
    expected, _ = findings_of(case.events, case.songs)
    found = {a.question.name: a for _, of_section in answers(Warehouse(engine.settings), None) for a in of_section}
    assert {name: answer.finding for name, answer in found.items()} == {name: e.words for name, e in expected.items()}
    for name, answer in found.items():
        assert shown(row.values() for row in answer.rows) == shown(expected[name].rows), name
    for name, words in case.says.items():
        assert found[name].finding == words, name


def test_days_and_weeks_become_whole_as_the_data_goes_on(engine: Bench) -> None:
    """Day by day, and with a day that comes late before all others."""
    delivered: list[int] = []
    for days in ([5, 11], [12], [13], [4]):
        delivered += days
        events = [make_event(ts=at(day), itemInSession=day) for day in days]
        engine.put(f"log_data/2018/11/{days[-1]}.json", *events)
        engine.put(f"song_data/A/A/A/{days[-1]}.json", make_song(song_id=f"SO{days[-1]}"))
        engine.load()
        engine.build(tests=False)
        first, last = min(delivered), max(delivered)
        # 5 November 2018 is a Monday.
        is_whole_week = {day: first < 5 and last > 11 and 5 <= day <= 11 for day in range(first, last + 1)}
        assert engine.rows("select date_day, is_whole_day, is_whole_week from dates order by date_day") == [
            (date(2018, 11, day), first < day < last, is_whole_week[day]) for day in range(first, last + 1)
        ]


def test_what_metricflow_says_is_what_the_report_says(compared: Compared) -> None:
    """Every metric that a question names, by what the question has it by, against the reference's figures."""
    expected = {name: found.rows for name, found in compared.expected.items()}
    totals, by_level, by_artist, by_song, by_browser, by_weekday, by_session, journeys, by_week = ask(
        compared.project,
        (["plays", "listeners", "listening_hours", "paid_play_share", "sessions", "session_minutes",
          "listening_sessions", "plays_per_session", "catalogued_plays", "catalogue_match_rate"], []),
        (["plays", "listeners", "plays_per_listener"], ["play__level"]),
        (["plays"], ["artist__name"]),
        (["plays"], ["song__title", "artist__name"]),
        (["plays"], ["user_agent__browser", "user_agent__os"]),
        (["plays"], ["metric_time__day"]),
        (["session_minutes", "plays_per_session"], ["session__level"]),
        (["began_free", "converted", "conversion_rate", "upgrades", "downgrades"], []),
        (["cohort_listeners", "returned_listeners", "retention_rate"], ["cohort__week_number"]),
    )  # fmt: skip
    total = {name: float(value) for name, value in totals[0].items()}
    plays = sum(row[1] for row in expected["levels"])
    assert total["plays"] == plays
    assert total["listeners"] == expected["levels"][0][4]
    assert round(total["listening_hours"], 6) == round(float(sum(row[3] for row in expected["levels"])) / 3600, 6)
    paid = next(row[1] for row in expected["levels"] if row[0] == "paid")
    assert round(total["paid_play_share"], 9) == round(paid / plays, 9)
    lengths, sizes = expected["session_lengths"], expected["session_plays"]
    assert total["sessions"] == sum(row[2] for row in lengths)
    assert round(total["session_minutes"], 6) == round(sum(row[3] for row in lengths) / 60 / total["sessions"], 6)
    assert total["listening_sessions"] == sum(row[2] for row in sizes if row[0])
    assert [f"{total[name]:,.0f}" for name in ("plays", "listeners", "listening_sessions")] == [
        compared.head[name] for name in ("plays", "listeners", "sessions")
    ]
    assert f"{total['listening_hours']:,.1f}" == compared.head["hours"]
    assert round(total["plays_per_session"], 6) == round(plays / total["listening_sessions"], 6)
    for row in by_session:
        own = [r for r in lengths if r[1] == row["session__level"]]
        assert round(float(row["session_minutes"]), 6) == round(sum(r[3] for r in own) / 60 / sum(r[2] for r in own), 6)
    matched = sum(row[2] for row in expected["catalogue_weeks"])
    assert (total["catalogued_plays"], round(total["catalogue_match_rate"], 9)) == (matched, round(matched / plays, 9))
    assert {(r["play__level"], int(r["plays"]), int(r["listeners"])) for r in by_level} == {
        row[:3] for row in expected["levels"]
    }
    artists = {row["artist__name"]: int(row["plays"]) for row in by_artist}
    assert [(row[0], artists[row[0]]) for row in expected["top_artists"]] == [
        row[:2] for row in expected["top_artists"]
    ]
    assert max(artists.values()) == expected["top_artists"][0][1]
    songs = {(row["song__title"], row["artist__name"]): int(row["plays"]) for row in by_song}
    assert [songs[row[:2]] for row in expected["top_songs"]] == [row[2] for row in expected["top_songs"]]
    assert max(songs.values()) == expected["top_songs"][0][2]
    assert {(r["user_agent__browser"], r["user_agent__os"], int(r["plays"])) for r in by_browser} == {
        row[:3] for row in expected["browsers"]
    }
    days = {str(row["metric_time__day"])[:10]: int(row["plays"]) for row in by_weekday}
    for row in expected["plays_by_day"]:
        of_day = sum(other[3] for other in expected["plays_by_day"] if other[0] == row[0])
        assert days.get(str(row[0]), 0) == of_day
    began, *_, converted = expected["funnel"][0]
    changes = expected["level_changes"]
    assert [float(journeys[0][n]) for n in ("began_free", "converted", "upgrades", "downgrades")] == [
        began, converted, sum(r[2] for r in changes if r[1] == "paid"), sum(r[2] for r in changes if r[1] == "free"),
    ]  # fmt: skip
    assert round(float(journeys[0]["conversion_rate"]), 9) == round(converted / began, 9)
    weeks = {int(row["cohort__week_number"]): row for row in by_week}
    whole = [row for row in expected["retention"] if row[4]]
    for number in {row[1] for row in whole}:
        size, came = (sum(row[column] for row in whole if row[1] == number) for column in (2, 3))
        assert (int(weeks[number]["cohort_listeners"]), int(weeks[number]["returned_listeners"])) == (size, came)
        assert round(float(weeks[number]["retention_rate"]), 9) == round(came / size, 9)


def test_the_pages_have_the_references_figures(sample: Project) -> None:
    source = sample.root / "data/sample"
    found, _ = findings_of(records(source, "log_data"), records(source, "song_data"))
    expected = {name: answer.rows for name, answer in found.items()}
    text = "".join((PROJECT_ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/tables.md"))
    tables = {
        tuple(re.split(r"\s{2,}", head.strip())): [re.split(r"\s{2,}", row.strip()) for row in rows.splitlines()]
        for head, rows in re.findall(r"^(\S.*)\n[─-][─ -]+\n((?:[^`\n]+\n)+)", text, re.MULTILINE)
    }

    def of(*columns: str) -> list[list[str]]:
        return [row for row in tables[columns] if len(row) == len(columns)]

    assert of("artist", "plays") == shown(row[:2] for row in expected["top_artists"][:5])
    assert of("level", "plays", "listeners") == shown(row[:3] for row in expected["levels"])
    assert of("browser", "os", "plays") == shown(row[:3] for row in expected["browsers"][:5])
    hours: dict[int, int] = {}
    for _, _, hour, plays in expected["hours"]:
        hours[hour] = hours.get(hour, 0) + plays
    busiest = sorted(hours.items(), key=lambda item: (-item[1], item[0]))[:5]
    assert of("hour", "plays") == shown(busiest)
    matched, plays = (sum(row[column] for row in expected["catalogue_weeks"]) for column in (2, 1))
    assert of("is_catalogued", "plays") == [["true", str(matched)], ["false", str(plays - matched)]]
    metrics = of("play__level", "plays", "listeners", "plays_per_listener")
    assert [row[:3] for row in metrics if row[0] in ("free", "paid")] == shown(row[:3] for row in expected["levels"])


def test_the_page_of_definitions_is_what_the_command_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == definitions(), "Run ./inv report --definitions"


def test_every_question_names_rules_and_metrics_that_there_are(compared: Compared) -> None:
    metrics = {entry["name"] for entry in yaml.safe_load(METRICS.read_text(encoding="utf-8"))["metrics"]}
    for section in sections():
        for question in section.questions:
            assert set(question.rules) <= set(rules()), question.name
            assert set(question.metrics) <= metrics, question.name
            for text in (question.definition, *question.traps):
                assert text in compared.page.plain_text, question.name
