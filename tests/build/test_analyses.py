"""The analysts' questions: as dbt compiles them and as the docs site shows them; on real data with golden answers."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from projects import Project
from reference import repaired

from pipeline.settings import PROJECT_ROOT

NAMES = [entry["name"] for entry in yaml.safe_load((PROJECT_ROOT / "analyses/analyses.yml").read_text())["analyses"]]


def answers(project: Project, tmp_path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What each analysis gives as dbt compiles it."""
    done = project.dbt("compile", "--select", "resource_type:analysis", DBT_TARGET_PATH=str(tmp_path))
    assert done.returncode == 0, done.stdout
    return {path.stem: project.rows(path.read_text()) for path in tmp_path.glob("compiled/sparkify/analyses/*.sql")}


def test_every_analysis_is_described_and_the_other_way_round() -> None:
    assert sorted(NAMES) == sorted(path.stem for path in (PROJECT_ROOT / "analyses").glob("*.sql"))


def test_the_docs_sites_questions_have_the_analyses_answers(sample: Project, tmp_path: Path) -> None:
    found = answers(sample, tmp_path)
    page = (sample.root / "sparkify_docs/index.html").read_text(encoding="utf-8")
    shown = [json.loads(f'"{sql}"') for sql in re.findall(r"```sql\\n(.*?)\\n```", page)]
    assert len(shown) == len(NAMES) == 10
    for name, sql in zip(NAMES, shown, strict=True):
        assert "ref(" not in sql
        assert sample.rows(sql) == found[name], name
        assert found[name], name


@pytest.fixture(scope="module")
def found(real: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    return answers(real, tmp_path_factory.mktemp("analyses"))


def test_real_data_gives_the_golden_answers(found: dict[str, list[tuple[Any, ...]]], golden: dict[str, Any]) -> None:
    whole_days = {day: golden["plays_by_day"][day] for day in sorted(golden["events_by_day"])[1:-1]}
    assert sum(plays for _, plays in found["plays_by_hour"]) == sum(whole_days.values())
    by_weekday: dict[int, list[int]] = {}
    for day, plays in whole_days.items():
        by_weekday.setdefault(date.fromisoformat(day).isoweekday() % 7, []).append(plays)
    assert [(day, days, plays, float(mean)) for day, days, plays, mean in found["plays_by_weekday"]] == [
        (day, len(own), sum(own), round(sum(own) / len(own), 1)) for day, own in sorted(by_weekday.items())
    ]
    assert {level: plays for level, plays, *_ in found["free_against_paid"]} == golden["plays_by_level"]
    assert {row[0]: float(row[3]) for row in found["free_against_paid"]} == golden["listening_seconds_by_level"]
    assert [list(row[:3]) for row in found["browsers_and_systems"]] == golden["plays_by_browser_os"]
    assert [list(row[:2]) for row in found["places"]] == golden["top10_locations_by_plays"]
    assert [list(row[:2]) for row in found["most_played_artists"]] == [
        [repaired(name), plays] for name, plays in golden["top10_artists"]
    ]
    pairs = {(repaired(title), repaired(artist)): plays for title, artist, plays in golden["top10_(song,artist)"]}
    least = min(pairs.values())
    assert {row[:2]: row[2] for row in found["most_played_songs"] if row[2] > least} == {
        pair: plays for pair, plays in pairs.items() if plays > least
    }
    assert sorted(
        (str(user), f"{at:%Y-%m-%d %H:%M:%S.%f}", level) for user, _, level, at in found["level_changes"]
    ) == sorted((user, at, level) for user, stretches in golden["level_changes"].items() for at, level in stretches[1:])
    matched = golden["join_bucket_subset"]["exact_title_artist"]
    assert found["catalogue_match"][1] == (True, matched["events_matched"], matched["distinct_song_ids"])
    assert sum(row[1] for row in found["catalogue_match"]) == golden["nextsong"]
    most = found["who_listened_to_what"]
    assert len(most) == 10
    assert [row[3] for row in most] == sorted((row[3] for row in most), reverse=True)
