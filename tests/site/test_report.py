"""The report as a page: its articles, what it does without data, its charts as files; on real data the golden figures.

What its findings say is held against a reference in test_findings.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from projects import Project, a_copy
from records import make_event, make_song
from reference import repaired
from report_page import ReportPage, as_shown


@pytest.fixture(scope="module")
def page(sample: Project) -> ReportPage:
    return ReportPage(sample.root / "sparkify_docs/report.html")


def test_the_head_says_what_there_is_and_how_fresh(sample: Project, page: ReportPage) -> None:
    assert page.counts == {table: sample.rows(f"select count(*) from {table}")[0][0] for table in page.counts}
    assert len(page.counts) == len(
        sample.rows("select 1 from information_schema.tables where table_schema = 'analytics'")
    )
    last = sample.rows("select max(event_at) from stg_events")[0][0]
    assert f"<strong>{last.day} {last:%B %Y, %H:%M} UTC</strong>" in page.text
    loaded = sample.rows("select max(loaded_at) from load_history")[0][0]
    assert f"Last loaded {loaded.day} {loaded:%B %Y, %H:%M} UTC from sample." in page.text


def test_every_article_has_its_sql_its_model_and_an_alternative_to_its_chart(sample: Project, page: ReportPage) -> None:
    manifest = json.loads((sample.root / "target/manifest.json").read_text())
    for name, article in page.articles.items():
        asked = [[as_shown(value) for value in row] for row in sample.rows(article.sql)]
        assert asked[:100] == article.figures, name
        assert article.link.rpartition("/")[2] in manifest["nodes"], name
        assert article.finding in article.chart["description"], name
        assert len(article.chart["description"]) > len(article.finding) + 20, name


def report_of(project: Project, folder: Path, event: dict[str, Any]) -> ReportPage:
    """The report of a warehouse of one event and one song."""
    for name, record in {"log_data/1.json": event, "song_data/A/1.json": make_song()}.items():
        path = folder / "source" / name
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(record))
    done = project.invoke("run", "-q", "--source", str(folder / "source"))
    assert done.returncode == 0, done.stderr
    return ReportPage(project.root / "sparkify_docs/report.html")


def test_what_is_empty_says_so_and_has_no_chart(project: Project, tmp_path: Path) -> None:
    page = report_of(project, tmp_path, make_event(page="Home", song=None, artist=None, length=None))
    drawn = {name for name, article in page.articles.items() if article.chart}
    assert drawn == {"session_lengths", "session_plays", "funnel"}  # a user who began on free had one session
    assert page.articles["session_plays"].finding == "The only session had no plays."
    assert page.articles["places"].empty == "The place of every play is unknown."
    assert all(article.empty for name, article in page.articles.items() if name not in drawn)
    assert page.head["plays"] == "0"


def test_one_play_is_enough_for_most_sentences(project: Project, tmp_path: Path) -> None:
    page = report_of(project, tmp_path, make_event(level=None, location=None, gender=None, song="<b>&</b>"))
    lacking = {name for name, article in page.articles.items() if not article.chart}
    assert lacking == {"funnel", "level_changes", "hours", "places"}
    assert "The only played song was “<b>&</b>” by Ann, with 1 play." in page.articles["top_songs"].finding
    assert "<b>" not in page.text
    assert page.articles["plays_by_day"].figures == [["2018-11-01", "False", "unknown", "1"]]


def test_charts_are_written_as_svg_for_both_grounds(sample: Project, tmp_path: Path) -> None:
    done = sample.invoke("report", "--charts", "hours,top_songs", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["hours-dark.svg", "hours-light.svg", "top_songs-dark.svg", "top_songs-light.svg"]
    for path in tmp_path.iterdir():
        assert "<path" in path.read_text()
        assert "var(--" not in path.read_text()
    refused = sample.invoke("report", "--charts", "hour", "--folder", str(tmp_path))
    assert (refused.returncode, "no chart named hour" in refused.stderr) == (2, True)


def test_a_report_that_could_not_be_written_leaves_none_and_is_made_up_for(sample: Project, tmp_path: Path) -> None:
    project = a_copy(sample, tmp_path)
    report = project.root / "sparkify_docs/report.html"
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("alter table analytics.hourly_plays rename to gone")
    failed = project.invoke("report")
    assert (failed.returncode, report.exists(), "Traceback" in failed.stderr) == (2, False, False)
    assert project.invoke("run", "-q").returncode == 0
    assert report.exists()


def test_real_data_gives_the_golden_figures(real: Project, golden: dict[str, Any]) -> None:
    page = ReportPage(real.root / "sparkify_docs/report.html")
    figures = {name: article.figures for name, article in page.articles.items()}

    def summed(name: str, key: int, value: int) -> dict[str, float]:
        sums: dict[str, float] = {}
        for row in figures[name]:
            sums[row[key]] = sums.get(row[key], 0) + float(row[value])
        return sums

    assert summed("plays_by_day", 0, 3) == golden["plays_by_day"]
    assert summed("plays_by_day", 2, 3) == golden["plays_by_level"]
    assert summed("levels", 0, 1) == golden["plays_by_level"]
    assert summed("levels", 0, 3) == golden["listening_seconds_by_level"]
    whole_days = sorted(golden["events_by_day"])[1:-1]
    hours = real.rows(page.articles["hours"].sql)  # more than the page shows
    assert sum(row[3] for row in hours) == sum(golden["plays_by_day"][day] for day in whole_days)
    assert [[name, int(plays)] for name, plays, *_ in figures["top_artists"]] == [
        [repaired(name), plays] for name, plays in golden["top10_artists"]
    ]
    songs = {(title, artist): int(plays) for title, artist, plays, *_ in figures["top_songs"]}
    known = {(repaired(title), repaired(artist)): plays for title, artist, plays in golden["top10_(song,artist)"]}
    assert sorted(songs.values()) == sorted(known.values())
    least = min(known.values())
    assert {song for song in songs if songs[song] > least} == {song for song in known if known[song] > least}
    assert [[place, int(plays)] for place, plays, *_ in figures["places"]] == golden["top10_locations_by_plays"]
    assert [[b, s, int(plays)] for b, s, plays, _ in figures["browsers"]] == golden["plays_by_browser_os"]
    assert [[int(user), level, int(plays)] for user, level, plays, *_ in figures["top_listeners"]] == [
        [user, level, plays] for user, _, level, plays in golden["top10_users_by_plays"]
    ]
    assert summed("level_changes", 1, 2) == {"paid": len(golden["level_changes"])}
    assert page.articles["catalogue_weeks"].numbers[:2] == [
        golden["join_bucket_subset"]["exact_title_artist"]["events_matched"],
        golden["nextsong"],
    ]
    with_plays = [row for row in figures["session_plays"] if row[0] != "0"]
    sessions, plays = (sum(int(row[column]) for row in with_plays) for column in (2, 3))
    assert plays / sessions == golden["sessions"]["mean_songs_per_session"]
    assert max(int(row[4]) for row in with_plays) == golden["sessions"]["max_songs_in_session"]
    assert page.head["listeners"] == str(golden["users"]["distinct_userid_nextsong"])
    assert figures["funnel"][0][4] == str(len(golden["submit_upgrade"]))
