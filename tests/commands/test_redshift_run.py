"""The main job and plain dbt commands on the Redshift stand-in, as a user runs them, and the SQL that they sent."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from projects import Project
from records import make_event
from sqlfluff.core import FluffConfig, Linter
from stand_in_clients import connect

from pipeline.source.simulate import Simulation, simulate
from redshift_stand_in import StandIn

SOURCE = "sparkify-source"
UNTESTED = "These tables have not passed their tests"
READER, READER_PASSWORD = "reader_of_runs", "Reader-12"
VALUE = re.compile(r"'(?:[^']|'')*'|\b\d+\b")
# What dbt and the drivers send of their own accord; the rest is ours.
NOT_OURS = re.compile(
    r"information_schema|pg_catalog|\bpg_|^\s*(begin|commit|rollback|set|select 1|show)\b|svv_|sys_load|stv_",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def environment(stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A simulated source in a bucket beside an empty warehouse, and the environment that leads to both.

    dbt opens a connection for each model and test; that signing in by IAM leads to the same is in test_end_to_end.py.
    """
    folder = tmp_path_factory.mktemp("simulated")
    simulate(folder, Simulation(events=1500, users=25, songs=60, days=4, seed=8))
    stand_in.create_bucket(SOURCE)
    for path in folder.rglob("*.json"):
        put(stand_in, path.relative_to(folder).as_posix(), path.read_bytes())
    stand_in.log.statements.clear()
    return stand_in.environment(method="database")


def put(stand_in: StandIn, key: str, body: bytes) -> None:
    stand_in.aws.client("s3").put_object(Bucket=SOURCE, Key=key, Body=body)


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(Path(shutil.copytree(template, tmp_path_factory.mktemp("redshift") / "project")))


def run(project: Project, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    done = project.invoke("run", "--target", "redshift", *arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done


def test_the_main_job_from_empty_then_nothing_then_a_new_file(
    project: Project, environment: dict[str, str], stand_in: StandIn
) -> None:
    first = json.loads(run(project, environment, "--source", f"s3://{SOURCE}", "--json").stdout)
    assert first["load"]["rows"] == {"staging_events": 1500, "staging_songs": 60}
    assert first["row_counts"]["songplays"] > 1000
    assert first["tests_passed"] > 90
    assert (project.root / "redshift_docs" / "index.html").exists()

    again = run(project, environment)
    assert "Nothing new" in again.stdout

    put(stand_in, "log_data/2030/01/new.json", json.dumps(make_event(userId="4711", ts=1541990000000)).encode())
    third = json.loads(run(project, environment, "--json").stdout)
    assert third["load"]["rows"] == {"staging_events": 1}
    assert third["row_counts"]["songplays"] == first["row_counts"]["songplays"] + 1


def test_a_failed_test_stops_the_run_and_names_its_rows(project: Project, environment: dict[str, str]) -> None:
    assert UNTESTED not in told_to_readers(project, environment)
    test = project.root / "tests/dbt/nobody_new.sql"
    test.write_text("select * from {{ ref('songplays') }} where user_id = 4711")
    failed = project.invoke("run", "--target", "redshift", **environment)
    assert failed.returncode == 4
    assert "nobody_new: Got 1 result" in failed.stderr
    assert "Traceback" not in failed.stderr
    relation = failed.stderr.split("rows: ")[1].split()[0]
    asked = project.invoke("query", f"select user_id from {relation}", "--json", "--target", "redshift", **environment)
    assert json.loads(asked.stdout) == [{"user_id": 4711}]
    assert told_to_readers(project, environment).count(UNTESTED) == 3
    test.unlink()
    assert json.loads(run(project, environment, "--json").stdout)["built"] is True  # it was not complete
    assert UNTESTED not in told_to_readers(project, environment, build_pages=False)


def told_to_readers(project: Project, environment: dict[str, str], *, build_pages: bool = True) -> str:
    """What a query says on standard error, with the texts of the report and of the docs' first page."""
    for page in (("report",), ("docs.build",)) if build_pages else ():
        done = project.invoke(*page, "-q", "--target", "redshift", **environment)
        assert done.returncode == 0, done.stderr
    asked = project.invoke("query", "select 1", "--target", "redshift", **environment)
    assert asked.returncode == 0, asked.stderr
    pages = [(project.root / "redshift_docs" / name).read_text() for name in ("report.html", "index.html")]
    return "".join([asked.stderr, *pages])


def test_query_reads_by_bare_names(project: Project, environment: dict[str, str]) -> None:
    asked = project.invoke(
        "query", "select count(*) as plays from songplays where user_id = 4711", "--json", "--target", "redshift",
        **environment,
    )  # fmt: skip
    assert json.loads(asked.stdout) == [{"plays": 1}]


def test_after_a_reset_the_load_and_plain_dbt_commands_work(project: Project, environment: dict[str, str]) -> None:
    done = project.invoke("reset", "--target", "redshift", "--yes", **environment)
    assert done.returncode == 0, done.stderr
    done = project.invoke("load", **environment, INVOKE_SOURCE=f"s3://{SOURCE}")
    assert done.returncode == 0, done.stderr
    dbt = str(Path(sys.executable).with_name("dbt"))
    for command in (("run",), ("test",), ("docs", "generate")):
        # Unit tests read the models' columns from the warehouse, and their inputs are typed by it.
        done = project.run(dbt, *command, **environment)
        assert done.returncode == 0, done.stdout[-3000:]


def test_metricflow_asks_redshift(project: Project, environment: dict[str, str], tmp_path: Path) -> None:
    """Its SQL is its own: names that are words of Redshift's would show here."""
    mf = str(Path(sys.executable).with_name("mf"))
    file = tmp_path / "answer.csv"
    metrics, groups = "plays,listeners,sessions,session_minutes,paid_play_share", "listener__gender"
    done = project.run(mf, "query", "--metrics", metrics, "--group-by", groups, "--csv", str(file), **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    with file.open() as lines:
        found = {row["listener__gender"]: int(float(row["plays"])) for row in csv.DictReader(lines)}
    asked = project.invoke(
        "query", "select gender, count(*) as plays from songplays inner join users using (user_id) "
        "group by gender", "--json", "--target", "redshift", **environment,
    )  # fmt: skip
    assert found == {row["gender"]: row["plays"] for row in json.loads(asked.stdout)}


def test_a_reader_reads_what_analysts_use_and_no_more(
    project: Project, environment: dict[str, str], stand_in: StandIn
) -> None:
    with closing(connect(stand_in, "sparkify")) as admin:
        admin.cursor().execute(f"create user {READER} password '{READER_PASSWORD}'")
    dbt = str(Path(sys.executable).with_name("dbt"))
    done = project.run(dbt, "run", **environment, SPARKIFY_READER=READER)
    assert done.returncode == 0, done.stdout[-3000:]
    with closing(connect(stand_in, "sparkify", user=READER, password=READER_PASSWORD)) as reader:
        cursor = reader.cursor()
        cursor.execute("select count(*) from analytics.songplays")
        assert cursor.fetchone()[0] > 1000
        cursor.execute("select max(finished_at) from staging.run_history where is_current")
        assert cursor.fetchone() == (None,)  # the tables were built by dbt alone
        for refused in ("delete from analytics.songplays", "select count(*) from staging.staging_events"):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(refused)


def test_the_sign_in_needs_no_password(environment: dict[str, str], stand_in: StandIn, project: Project) -> None:
    """IAM by default: without a password in the environment a load, dbt by hand and a question work as before."""
    without = {**environment, **stand_in.environment(), "INVOKE_SOURCE": f"s3://{SOURCE}"}
    del without["SPARKIFY_REDSHIFT_PASSWORD"]
    put(stand_in, "log_data/2030/02/new.json", json.dumps(make_event(userId="4712")).encode())
    assert project.invoke("load", "-q", **without).returncode == 0
    dbt = str(Path(sys.executable).with_name("dbt"))
    assert project.run(dbt, "run", "--select", "stg_events", "users", **without).returncode == 0
    asked = project.invoke("query", "select level from users where user_id = 4712", "--json", **without)
    assert json.loads(asked.stdout) == [{"level": "free"}]


def test_no_table_is_made_with_a_key(stand_in: StandIn) -> None:
    """Redshift refuses foreign ones in temporary tables, and plans as if primary ones held, which it does not check."""
    made = [sent.sql for sent in stand_in.log.statements if re.search(r"\bcreate\b.{0,30}\btable\b", sent.sql)]
    assert len(made) > 50
    assert [sql for sql in made if re.search(r"\b(primary key|foreign key|references|unique)\b", sql)] == []


def test_every_statement_of_ours_is_redshift_to_sqlfluff(stand_in: StandIn) -> None:
    """A parser that knows nothing of the stand-in: of what was sent above, it can read every part."""
    ours = {
        re.sub(r"/\* \{.*?\} \*/", "", sent.sql, flags=re.DOTALL).strip().rstrip(";")
        for sent in stand_in.log.statements
        if not sent.error
    }
    # Of those that differ in their values only, one.
    ours = {VALUE.sub("0", sql): sql for sql in ours if sql and not NOT_OURS.search(sql)}.values()
    assert len(ours) > 100
    assert any(sql.lower().startswith("copy") for sql in ours)
    # The repair of texts is nested deeper than sqlfluff goes by itself.
    linter = Linter(FluffConfig(overrides={"dialect": "redshift", "rules": "LT12", "max_parse_depth": 5000}))
    unparsable = {}
    for sql in sorted(ours):
        parsed = linter.parse_string(f"{sql}\n")
        if parsed.violations or (parsed.tree and "unparsable" in parsed.tree.type_set()):
            unparsable[sql] = parsed.violations
    assert not unparsable
