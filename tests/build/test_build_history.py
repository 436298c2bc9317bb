"""What has a model built again from nothing, and what has it not: a change of its code, and of nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
from projects import Project
from records import make_event, make_song

HISTORY = (
    "select model_name, code_fingerprint, count(*) from build_history "
    "where model_name <> 'landed' and load_id <> '' group by all"
)
BROWSER = "select browser from user_agents where user_agent like '%Firefox%'"


def put(folder: Path, name: str, record: dict[str, Any]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))


def fingerprints(project: Project) -> dict[str, str]:
    rows = project.rows(HISTORY, project.root / ".sparkify" / "sparkify.duckdb")
    assert len({name for name, _, _ in rows}) == len(rows)  # no model has loads of two codes
    return {name: fingerprint for name, fingerprint, _ in rows}


def loads_of(project: Project) -> dict[str, int]:
    return {name: count for name, _, count in project.rows(HISTORY, project.root / ".sparkify" / "sparkify.duckdb")}


def test_a_model_is_rebuilt_with_its_code_its_macros_and_its_seeds(project: Project, tmp_path: Path) -> None:
    source = tmp_path / "source"
    put(source, "song_data/1.json", make_song())
    put(source, "log_data/1.json", make_event(userAgent="Mozilla/5.0 (X11; Linux x86_64) Firefox/60.0"))
    work = project.root / ".sparkify" / "sparkify.duckdb"
    assert project.invoke("load", "-q", "--source", str(source)).returncode == 0
    assert project.dbt("run").returncode == 0
    first = fingerprints(project)
    put(source, "log_data/2.json", make_event(itemInSession=1, ts=1541105990796))
    assert project.invoke("load", "-q", "--source", str(source)).returncode == 0
    assert project.dbt("run").returncode == 0
    assert fingerprints(project) == first
    assert set(loads_of(project).values()) == {2}

    # A model: it and what is above it, and their rows of all loads.
    model = project.root / "models/marts/aggregates/hourly_plays.sql"
    model.write_text(
        model.read_text().replace("cast(sum(play_count) as bigint)", "cast(10 * sum(play_count) as bigint)")
    )
    assert project.dbt("run").returncode == 0
    assert project.rows("select sum(play_count) from hourly_plays", work) == [(20,)]
    second = fingerprints(project)
    assert {name for name, fingerprint in second.items() if fingerprint != first[name]} == {"hourly_plays"}

    # A seed: only when it is written, by `dbt seed` or `dbt build`, and only if it has changed.
    rules = project.root / "seeds/user_agent_rules.csv"
    rules.write_text(rules.read_text().replace("Firefox,", "Vixen,"))
    assert project.dbt("run").returncode == 0
    assert project.rows(BROWSER, work) == [("Firefox",)]
    assert project.dbt("build", "--exclude-resource-type", "test", "unit_test").returncode == 0
    assert project.rows(BROWSER, work) == [("Vixen",)]
    rules.write_text(rules.read_text().replace("Vixen,", "Foxy,"))
    assert project.dbt("seed").returncode == 0
    assert set(loads_of(project)) == set(first) - {"user_agents"}
    assert project.dbt("run").returncode == 0
    assert project.rows(BROWSER, work) == [("Foxy",)]
    assert project.dbt("seed").returncode == 0
    third = fingerprints(project)
    assert third == second

    # A macro: every model may be made of it.
    macro = project.root / "macros/cross_db/fold_case.sql"
    macro.write_text(macro.read_text().replace("lower(", "upper("))
    assert project.dbt("run").returncode == 0
    assert all(fingerprint != third[name] for name, fingerprint in fingerprints(project).items())
    assert set(loads_of(project).values()) == {2}

    # A table that was dropped: from all loads, the one that is new among them.
    with duckdb.connect(str(work)) as connection:
        connection.execute("drop table analytics.users")
    put(source, "log_data/3.json", make_event(userId="4711"))
    assert project.invoke("load", "-q", "--source", str(source)).returncode == 0
    assert project.dbt("run").returncode == 0
    assert project.rows("select count(*) from users", work) == [(2,)]
    assert set(loads_of(project).values()) == {3}
