"""The notebooks: they run, and what they are exported as says what the warehouse does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser import chromium, needs_chromium
from projects import Project

NOTEBOOKS = ("the_load", "the_source", "songplays")


def exported(project: Project, name: str) -> str:
    done = project.invoke("notebook", "--name", name, "--export")
    assert done.returncode == 0, done.stderr
    return (project.root / done.stdout.strip()).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pages(sample: Project) -> dict[str, str]:
    return {name: exported(sample, name) for name in NOTEBOOKS}


def test_the_walk_ends_at_the_row_that_it_began_with(sample: Project, pages: dict[str, str]) -> None:
    landed, events, songplays, title = sample.rows(
        "select (select count(*) from staging_events), (select count(*) from stg_events), "
        "(select count(*) from songplays), (select title from songplays join songs using (song_id) "
        "order by start_time, songplay_id limit 1)"
    )[0]
    text = re.sub(r"<[^>]+>", "", pages["the_load"])
    assert f"{landed:,} records were landed, {landed - events:,} of them repeats." in text
    assert re.search(rf"which leaves\s+{songplays:,} rows in songplays", text)
    assert text.count(title) >= 3  # in the file, landed and cleaned or in the star


def test_the_source_is_counted(sample: Project, pages: dict[str, str]) -> None:
    quoted = sample.rows("select count(*) from staging_events where user_agent like '\"%\"'")[0][0]
    assert re.search(rf"user agents in quotes</td>\s*<td class='number'>{quoted}<", pages["the_source"])


def test_the_analysis_has_its_figures_and_its_chart(sample: Project, pages: dict[str, str]) -> None:
    for level, plays in sample.rows("select level, count(*) from songplays group by 1"):
        assert re.search(rf"<td>{level}</td>\s*<td class='number'>{plays}<", pages["songplays"])
    assert pages["songplays"].count("<svg") == 1


@needs_chromium
@pytest.mark.parametrize("width", [1400, 390])
def test_an_exported_notebook_opens_from_disk(
    sample: Project, pages: dict[str, str], tmp_path: Path, width: int
) -> None:
    with chromium(tmp_path) as browser:
        for name in pages:
            path = sample.root / f"sparkify_docs/notebook_{name}.html"
            browser.open(path, width=width)
            assert browser.errors == []
            assert browser.requests == [path.as_uri()]
            assert browser.evaluate("document.documentElement.scrollWidth") == width


def test_what_a_user_can_cause_is_one_line(project: Project) -> None:
    unknown = project.invoke("notebook", "--name", "nothing", "--export")
    assert (unknown.returncode, "choose one of songplays, the_load, the_source" in unknown.stderr) == (2, True)
    early = project.invoke("notebook", "--export")
    assert early.returncode == 2
    assert "Build it with: ./inv run" in early.stderr
    assert "Traceback" not in early.stderr
