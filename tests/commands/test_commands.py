"""The commands around the main job: plain dbt, load, publish, query, reset."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest
from duckdb_file import rows
from projects import Project, a_copy, source_beside, source_with_one_play
from records import make_event


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return source_with_one_play(tmp_path / "source")


def test_dbt_works_by_hand_before_any_load(project: Project) -> None:
    for arguments in (("build", "--exclude-resource-type", "unit_test"), ("test",), ("run",), ("docs", "generate")):
        done = project.dbt(*arguments)
        assert done.returncode == 0, done.stdout
    assert rows(project.root / ".sparkify/sparkify.duckdb", "select count(*) from songplays") == [(0,)]


def test_dbt_run_without_seeds_says_what_to_do(project: Project) -> None:
    done = project.dbt("run")
    assert done.returncode != 0
    assert "Create it with: dbt seed" in done.stdout
    for command in ("seed", "run"):
        done = project.dbt(command)
        assert done.returncode == 0, done.stdout


def test_load_then_dbt_by_hand_then_publish(project: Project, source: Path) -> None:
    loaded = project.invoke("load", "--source", str(source))
    assert loaded.returncode == 0, loaded.stderr
    assert "1 row into staging_events from 1 file" in loaded.stdout
    assert "Nothing new" in project.invoke("load", "--source", str(source)).stdout
    for command in ("run", "test"):
        done = project.dbt(command)
        assert done.returncode == 0, done.stdout

    unpublished = project.invoke("query", "select count(*) from songplays", "--csv")
    assert "Nothing is published yet" in unpublished.stderr
    assert project.invoke("publish").returncode == 0
    assert project.invoke("query", "select count(*) as n from songplays", "--csv").stdout == "n\n1\n"

    assert project.invoke("query", "select 1").stderr == ""
    assert project.dbt("run", "--full-refresh").returncode == 0
    assert "The work file is ahead" in project.invoke("query", "select 1").stderr
    assert project.invoke("publish").returncode == 0
    assert project.invoke("query", "select 1").stderr == ""

    (project.root / "tests/dbt/never.sql").write_text("select 1 as wrong")
    refused = project.invoke("publish")
    assert (refused.returncode, "never: Got 1 result" in refused.stderr) == (4, True)
    assert "undo it with: ./inv load.undo" in refused.stderr

    # Tests that could not be run say nothing of the data.
    with duckdb.connect(str(project.root / ".sparkify/sparkify.duckdb"), read_only=True):
        refused = project.invoke("publish")
    assert (refused.returncode, "lock" in refused.stderr, "load.undo" in refused.stderr) == (1, True, False)
    (project.root / "tests/dbt/never.sql").unlink()
    # What was not published by a run is not a complete run.
    assert json.loads(project.invoke("run", "--json", "--source", str(source)).stdout)["built"] is True


def test_what_is_not_built_is_not_published(played: Project) -> None:
    (source_beside(played) / "log_data/2.json").write_text(json.dumps(make_event(itemInSession=1)))
    assert played.invoke("load", "-q").returncode == 0
    assert played.dbt("run", "--exclude", "daily_listening").returncode == 0
    refused = played.invoke("publish")
    assert (refused.returncode, "do not contain all loads: daily_listening." in refused.stderr) == (2, True)
    # As after an undo that was killed before it built.
    (load_id,) = played.rows("select max(load_id) from load_history", played.root / ".sparkify/sparkify.duckdb")[0]
    assert played.dbt("run-operation", "undo_load", "--args", json.dumps({"load_id": load_id})).returncode == 0
    refused = played.invoke("publish")
    assert (refused.returncode, "artists, daily_listening, dates" in refused.stderr) == (2, True)
    assert "--empty cannot be used" in played.dbt("build", "--empty").stdout
    assert played.dbt("build", "--exclude-resource-type", "test", "unit_test").returncode == 0
    assert played.invoke("publish").returncode == 0


def test_query_prints_tables_csv_and_json(played: Project) -> None:
    sql = "select user_id, level, start_time, null as nothing, duration from songplays join songs using (song_id)"
    assert played.invoke("query", sql, "--csv").stdout == (
        "user_id,level,start_time,nothing,duration\n7,free,2018-11-01 20:57:10.796,,200.50000\n"
    )
    assert json.loads(played.invoke("query", sql, "--json").stdout) == [
        {"user_id": 7, "level": "free", "start_time": "2018-11-01T20:57:10.796000", "nothing": None, "duration": 200.5}
    ]
    table = played.invoke("query", sql).stdout
    assert "2018-11-01 20:57:10.796" in table
    assert table.rstrip().endswith("1 row")
    # Every table is found by its bare name, the ones named like a type or a keyword too.
    for name in (
        "songplays",
        "users",
        "songs",
        "artists",
        "time",
        "user_levels",
        "sessions",
        "user_agents",
        "dates",
        "staging_events",
        "staging_songs",
        "stg_events",
        "load_history",
    ):
        assert played.invoke("query", f"select count(*) from {name}").returncode == 0, name
    wrong = played.invoke("query", "select nothing from songplays")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)
    assert "Candidate bindings" in wrong.stderr
    assert played.invoke("query", "drop table songplays").returncode == 2
    assert rows(played.database, "select count(*) from songplays") == [(1,)]


def test_rejected_records_are_told_and_found_by_the_table_s_bare_name(project: Project, source: Path) -> None:
    events = source / "log_data" / "bad.json"
    bad = '{"ts": 1, "page": "Home", "sessionId": 1, "itemInSession": "first"}'
    events.write_text(f"{bad}\n{{\n")
    strict = project.invoke("load", "-q", "--source", str(source))
    assert strict.returncode == 3
    assert "pass --max-errors N to skip up to N bad records" in strict.stderr
    assert project.invoke("load", "--source", str(source), "--max-errors", "many").returncode == 2
    few = project.invoke("load", "-q", "--source", str(source), "--max-errors", "1")
    assert few.returncode == 3
    assert "2 bad records in the source, but --max-errors is 1; nothing was loaded." in few.stderr
    assert "log_data/bad.json, line 2: malformed JSON: '{'" in few.stderr

    loaded = project.invoke("load", "--source", str(source), "--max-errors", "2")
    assert loaded.returncode == 0, loaded.stderr
    told = re.search(
        r"2 records were rejected; see them with: \./inv query \"(.*)\" --database (\S+)$", loaded.stdout, re.M
    )
    rows = json.loads(project.invoke("query", told[1], "--database", told[2], "--json").stdout)
    assert [(row["file_key"], row["line_number"], row["column_name"], row["raw_text"]) for row in rows] == [
        ("log_data/bad.json", 1, "itemInSession", bad),
        ("log_data/bad.json", 2, None, "{"),
    ]

    (source / "log_data" / "worse.json").write_text("[]\n")
    report = json.loads(project.invoke("run", "--json", "--max-errors", "1").stdout)
    assert report["load"]["rejects"]["count"] == 1
    found = json.loads(project.invoke("query", report["load"]["rejects"]["query"], "--json").stdout)
    assert [row["raw_text"] for row in found] == ["[]"]
    assert "3" in project.invoke("query", "select count(*) from load_rejects", "--csv").stdout


def test_publishing_does_not_disturb_readers_and_removes_what_they_left(played: Project) -> None:
    Path(f"{played.database}.wal").write_bytes(b"left by a reader that was killed")
    reader = (played.database).open("rb")
    size = played.database.stat().st_size
    assert played.invoke("publish").returncode == 0
    assert len(reader.read()) == size
    reader.close()
    with duckdb.connect(str(played.database)) as connection:
        assert connection.execute("select count(*) from analytics.songplays").fetchall() == [(1,)]
    assert not list(played.database.parent.glob(".sparkify/*.publishing"))


def test_reset_asks_and_begins_again(played: Project) -> None:
    assert played.invoke("reset").returncode == 1
    assert rows(played.database, "select count(*) from songplays") == [(1,)]
    done = played.invoke("reset", "--yes")
    assert done.returncode == 0, done.stderr
    assert not played.database.exists()
    assert rows(played.root / ".sparkify/sparkify.duckdb", "select count(*) from load_history") == [(0,)]
    assert played.invoke("run", "-q", "--source", str(source_beside(played))).returncode == 0
    assert rows(played.database, "select count(*) from songplays") == [(1,)]


def test_a_developer_has_schemas_of_his_own(project: Project, source: Path) -> None:
    done = project.invoke("run", "--json", "--source", str(source), SPARKIFY_SCHEMA="ada")
    assert json.loads(done.stdout)["row_counts"]["songplays"] == 1
    with duckdb.connect(str(project.database), read_only=True) as connection:
        found = connection.execute(
            "select distinct table_schema from information_schema.tables where table_schema <> 'ada_test_failures'"
        ).fetchall()
    assert sorted(found) == [("ada_analytics",), ("ada_staging",)]


def test_data_and_unit_tests_pass_on_a_built_warehouse(sample: Project, tmp_path: Path) -> None:
    done = a_copy(sample, tmp_path).dbt("test")
    assert done.returncode == 0, done.stdout
    assert "unit test" in done.stdout
