"""The metrics, asked of MetricFlow as analysts ask it, held against plain SQL; on real data against golden figures."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from metrics import ask
from projects import Project

WEEK = "date_trunc('week', start_time)::date"
PLAYS = (
    "count(*), count(distinct user_id), sum(song_duration) / 3600, count(*) / count(distinct user_id), "
    "count_if(songplays.level = 'paid') / count(*), count(distinct case when songplays.level = 'paid' then user_id end) / "
    "count(distinct user_id), count_if(songs.is_catalogued) / count(*) from songplays join songs using (song_id) "
)
PLAY_METRICS = [
    "plays", "listeners", "listening_hours", "plays_per_listener", "paid_play_share", "paid_listener_share",
    "catalogue_match_rate",
]  # fmt: skip
CHANGES = "sum((level = 'paid' and was = 'free')::int), sum((level = 'free' and was = 'paid')::int) from (select *, lag(level) over (partition by user_id order by valid_from) as was from user_levels)"

# What is asked of MetricFlow, and the SQL that says the same: first what it is grouped by, then the metrics.
QUESTIONS: dict[str, tuple[list[str], list[str], str]] = {
    "in all": (PLAY_METRICS, [], f"select {PLAYS}"),
    "week": (PLAY_METRICS, ["metric_time__week"], f"select {WEEK}, {PLAYS} group by 1"),
    "day": (["plays"], ["metric_time__day"], "select start_time::date, count(*) from songplays group by 1"),
    "level": (
        PLAY_METRICS[:4],
        ["play__level"],
        f"select songplays.level, {PLAYS.split(', count_if')[0]} from songplays group by 1",
    ),
    "gender": (PLAY_METRICS, ["listener__gender"], f"select gender, {PLAYS} join users using (user_id) group by 1"),
    "place": (PLAY_METRICS, ["play__location"], f"select location, {PLAYS} group by 1"),
    "browser": (
        PLAY_METRICS,
        ["user_agent__browser", "user_agent__os"],
        f"select browser, os, {PLAYS} join user_agents using (user_agent_id) group by 1, 2",
    ),
    "artist": (
        PLAY_METRICS,
        ["artist__name"],
        f"select name, {PLAYS} join artists on songplays.artist_id = artists.artist_id group by 1",
    ),
    "song": (PLAY_METRICS, ["song__title"], f"select title, {PLAYS} group by 1"),
    "sessions": (
        ["sessions", "session_minutes"],
        ["session__level", "metric_time__week"],
        "select level, date_trunc('week', started_at)::date, count(*), avg(duration_seconds / 60) from sessions group by 1, 2",
    ),
    "plays in sessions": (
        ["session_plays", "listening_sessions", "plays_per_session"],
        ["session__level"],
        "select level, sum(play_count), count_if(play_count > 0), sum(play_count) / count_if(play_count > 0) from sessions "
        "group by 1",
    ),
    "changes": (["upgrades", "downgrades"], [], f"select {CHANGES}"),
    "conversion": (
        ["began_free", "converted", "conversion_rate"],
        [],
        "select count(*), count_if(turned), count_if(turned) / count(*) from (select arg_min(level, event_at) as level, "
        "bool_or(level = 'paid') as turned from stg_events where user_id is not null group by user_id) where level = 'free'",
    ),
    "retention": (
        ["cohort_listeners", "returned_listeners", "retention_rate"],
        ["cohort__week_number"],
        "select week_number, sum(cohort_size), sum(listener_count), sum(listener_count) / sum(cohort_size) "
        "from weekly_retention join dates on weekly_retention.week_start = date_day where is_whole_week group by 1",
    ),
}


def comparable(value: Any) -> Any:
    """A value without what the two ways differ in: the types of numbers, and midnight behind a day."""
    try:
        return round(float(value), 9)
    except (TypeError, ValueError):
        return None if value is None else str(value).partition("T")[0].removesuffix(" 00:00:00")


def comparable_rows(rows: list[Any]) -> list[list[Any]]:
    return sorted(([comparable(value) for value in row] for row in rows), key=str)


@pytest.fixture(scope="module")
def answers(sample: Project) -> dict[str, list[dict[str, Any]]]:
    found = ask(sample, *((metrics, groups) for metrics, groups, _ in QUESTIONS.values()))
    return dict(zip(QUESTIONS, found, strict=True))


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_metric_is_what_plain_sql_says(sample: Project, answers: dict[str, Any], name: str) -> None:
    metrics, groups, sql = QUESTIONS[name]
    expected = comparable_rows(sample.rows(sql))
    assert expected
    assert comparable_rows([[row[column] for column in (*groups, *metrics)] for row in answers[name]]) == expected


def test_every_metric_is_asked_for(sample: Project) -> None:
    manifest = json.loads((sample.root / "target/manifest.json").read_text())
    asked = {metric for metrics, _, _ in QUESTIONS.values() for metric in metrics}
    # The numerators are asked for in their ratios.
    parts = {"paid_plays", "paid_listeners", "catalogued_plays"}
    assert {metric["name"] for metric in manifest["metrics"].values()} == asked | parts


def test_mf_query_works_as_it_is_documented(sample: Project, tmp_path: Path) -> None:
    file = tmp_path / "answer.csv"
    mf = str(Path(sys.executable).with_name("mf"))
    done = sample.run(mf, "query", "--metrics", "plays,listeners", "--group-by", "play__level", "--csv", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    found = list(csv.reader(file.open()))
    assert found[0] == ["play__level", "plays", "listeners"]
    expected = sample.rows("select level, count(*), count(distinct user_id) from songplays group by 1")
    assert comparable_rows(found[1:]) == comparable_rows(expected)


def test_real_data_gives_the_golden_figures(real: Project, golden: dict[str, Any]) -> None:
    by_level, by_gender, by_week, changes, matched = ask(
        real,
        (["plays", "listening_hours"], ["play__level"]),
        (["plays"], ["listener__gender"]),
        (["plays"], ["metric_time__week"]),
        (["upgrades", "downgrades", "converted"], []),
        (["catalogued_plays", "listeners"], []),
    )
    assert {row["play__level"]: int(row["plays"]) for row in by_level} == golden["plays_by_level"]
    assert {row["play__level"]: round(float(row["listening_hours"]) * 3600, 4) for row in by_level} == {
        level: round(seconds, 4) for level, seconds in golden["listening_seconds_by_level"].items()
    }
    assert {row["listener__gender"]: int(row["plays"]) for row in by_gender} == golden["plays_by_gender"]
    assert sorted(int(row["plays"]) for row in by_week) == sorted(golden["plays_by_iso_week"].values())
    assert [int(changes[0][name]) for name in ("upgrades", "downgrades", "converted")] == [4, 0, 4]
    assert int(matched[0]["catalogued_plays"]) == golden["join_bucket_subset"]["exact_title_artist"]["events_matched"]
    assert int(matched[0]["listeners"]) == golden["users"]["distinct_userid_nextsong"]
