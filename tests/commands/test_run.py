"""The main job, run as a user runs it."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
from duckdb_file import rows, tables
from projects import Project, a_copy, clean_environment, source_beside, source_with_one_play
from records import make_event


def test_a_fresh_clone_builds_a_warehouse_from_a_simulated_sample_and_once(project: Project) -> None:
    first = project.invoke("run")
    assert first.returncode == 0, first.stderr
    assert "tests passed" in first.stdout
    assert rows(project.database, "select count(*) from staging_events") == [(10_000,)]
    page = (project.root / "sparkify_docs/index.html").read_text(encoding="utf-8")
    assert "One row per play, that is, a NextSong event of a logged-in user" in page
    before = tables(project.database)
    loads = rows(project.database, "select * from load_history order by all")

    second = project.invoke("run")
    assert second.returncode == 0, second.stderr
    assert "Nothing new" in second.stdout
    assert tables(project.database) == before
    assert rows(project.database, "select * from load_history order by all") == loads

    # A changed project is built again, and comes to the same.
    model = project.root / "models/marts/users.sql"
    model.write_text(model.read_text() + "\n-- changed\n")
    third = project.invoke("run", "--json")
    assert json.loads(third.stdout)["built"] is True
    assert tables(project.database) == before


def test_new_files_are_loaded_alone_and_scripts_get_json_or_silence(project: Project, tmp_path: Path) -> None:
    source = source_with_one_play(tmp_path / "source")
    quiet = project.invoke("run", "-q", INVOKE_SOURCE=str(source))
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    (source / "log_data/2.json").write_text(json.dumps(make_event(sessionId=2)))
    done = project.invoke("run", "--json", "--source", str(source))
    report = json.loads(done.stdout)
    assert report["load"]["files"] == {"staging_events": 1}
    assert report["load"]["rows"] == {"staging_events": 1}
    assert report["row_counts"]["songplays"] == 2
    assert report["tests_passed"] > 90


def test_a_failed_test_is_not_published_and_names_its_rows(played: Project) -> None:
    (source_beside(played) / "log_data/2.json").write_text(json.dumps(make_event(sessionId=2)))
    (played.root / "tests/dbt/no_second_session.sql").write_text(
        "select * from {{ ref('songplays') }} where session_id = 2"
    )
    failed = played.invoke("run")
    assert failed.returncode == 4
    assert "no_second_session: Got 1 result" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert rows(played.database, "select count(*) from songplays") == [(1,)]
    work = played.root / ".sparkify/sparkify.duckdb"
    relation = failed.stderr.split("rows: ")[1].split()[0]
    assert rows(work, f"select count(*) from {relation}") == [(1,)]
    # It is tried again, and fails again: a run that was not complete is never "nothing new".
    assert played.invoke("run", "-q").returncode == 4


def test_another_database_stands_beside(project: Project, tmp_path: Path) -> None:
    source = source_with_one_play(tmp_path / "source")
    other = tmp_path / "elsewhere" / "other.duckdb"
    done = project.invoke("run", "-q", "--source", str(source), "--database", str(other))
    assert done.returncode == 0, done.stderr
    assert rows(other, "select count(*) from songplays") == [(1,)]
    assert not project.database.exists()
    asked = project.invoke("query", "select count(*) as plays from songplays", "--json", "--database", str(other))
    assert json.loads(asked.stdout) == [{"plays": 1}]


def test_what_a_user_can_cause_is_one_line_without_a_traceback(project: Project, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for arguments, code, words in [
        (("run", "--source", str(tmp_path / "none")), 2, "is not a folder"),
        (("run", "--source", str(empty)), 1, "has no JSON files below log_data/ and song_data/"),
        (("run", "--target", "oracle"), 2, "must be duckdb or redshift"),
        (("run", "--database", "x.txt"), 2, "must end in .duckdb"),
        (("run", "--database", str(tmp_path)), 2, "must end in .duckdb"),
        (("simulate", "x", "--events", "many"), 2, "--events is 'many'; it must be a whole number"),
        (("simulate", "s3://bucket"), 2, "simulate writes to a folder"),
        (("run", "--database", str(tmp_path / "a[1]" / "x.duckdb")), 2, "in its name"),
        (("run", "--database", "staging.duckdb"), 2, "is a reserved name"),
        (("load", "--only", "users"), 2, "--only takes songs, events or both"),
        (("query", "select 1"), 2, "Build it with: ./inv run"),
        (("publish",), 2, "There is nothing to publish"),
        (("docs.build",), 2, "There is no warehouse"),
        (("docs.serve",), 2, "There is no docs site yet"),
        (("reset",), 1, "Nothing was dropped"),
        (("simulate", "x", "--events", "0"), 2, "--events is 0"),
        (("run", "--target", "redshift", "--source", "s3://"), 2, "an S3 source is written s3://bucket"),
    ]:
        done = project.invoke(*arguments)
        assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (code, True, False), (
            arguments,
            done.returncode,
            done.stderr,
        )


def test_a_missing_profile_is_told(project: Project) -> None:
    (project.root / "profiles.yml").unlink()
    done = project.invoke("run", "-q")
    assert (done.returncode, "cp profiles.yml.example profiles.yml" in done.stderr) == (5, True)


def test_a_second_command_on_one_warehouse_is_told_who_holds_it(project: Project) -> None:
    lock = project.root / ".sparkify/sparkify.lock"
    with lock.open("w") as held:
        held.write("load (process 7)")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = project.invoke("run")
    assert refused.returncode == 1
    assert "is writing the warehouse: load (process 7)" in refused.stderr


def test_a_published_file_that_somebody_changed_is_published_again(played: Project) -> None:
    with duckdb.connect(str(played.database)) as connection:
        connection.execute("delete from analytics.songplays")
    assert json.loads(played.invoke("run", "--json").stdout)["built"] is True
    assert rows(played.database, "select count(*) from songplays") == [(1,)]
    # The source need not be named again, and a model that a plain dbt command has built differently is built anew.
    model = played.root / "models/marts/users.sql"
    text = model.read_text()
    model.write_text(text.replace("where recency = 1", "where recency = 2"))
    assert played.dbt("run").returncode == 0
    model.write_text(text)
    assert json.loads(played.invoke("run", "--json").stdout)["row_counts"]["users"] == 1
    assert json.loads(played.invoke("run", "--json").stdout)["built"] is False


def test_somebody_elses_file_is_not_replaced(project: Project, tmp_path: Path) -> None:
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create table precious as select 42 as answer")
    source = source_with_one_play(tmp_path / "source")
    for arguments in (("run", "--source", str(source)), ("reset", "--yes")):
        refused = project.invoke(*arguments)
        assert (refused.returncode, "not a warehouse of this project" in refused.stderr) == (2, True)
    assert rows(project.database, "select answer from main.precious") == [(42,)]


def test_ctrl_c_is_one_line_and_nothing_is_published(project: Project, tmp_path: Path) -> None:
    source = tmp_path / "source"
    assert project.invoke("simulate", "-q", str(source), "--events", "200000", "--songs", "50").returncode == 0
    for wait in (0, 2.0, 3.5):
        process = subprocess.Popen(
            [sys.executable, "tasks.py", "run", "--source", str(source)],
            cwd=project.root,
            env=clean_environment(),
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        said = process.stderr.readline()  # it has begun
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        said += process.communicate(timeout=60)[1]
        assert process.returncode == 130, said
        assert said.strip().endswith("Interrupted. Committed work is kept. Run it again to finish.")
        assert "Traceback" not in said
        assert not project.database.exists()
    assert project.invoke("run", "-q", "--source", str(source)).returncode == 0
    assert rows(project.database, "select count(*) from staging_events") == [(200_000,)]


def test_a_warehouse_of_an_older_version_is_told_from_a_broken_one(sample: Project, tmp_path: Path) -> None:
    project = a_copy(sample, tmp_path)
    for path in (project.database, project.root / ".sparkify" / "sparkify.duckdb"):
        with duckdb.connect(str(path)) as connection:
            connection.execute("alter table staging.load_history drop column status")
    for arguments in (("run",), ("run", "--source", "data/sample"), ("load.list",)):
        refused = project.invoke(*arguments)
        assert (refused.returncode, "./inv reset, then ./inv run" in refused.stderr) == (1, True), refused.stderr
    assert project.invoke("reset", "--yes").returncode == 0
    assert project.invoke("run", "-q").returncode == 0
