"""The main job and plain dbt commands on the Redshift stand-in, as a user runs them, and the SQL that they sent."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Project, make_event
from redshift_stand_in import StandIn
from sqlfluff.core import FluffConfig, Linter

from pipeline.simulate import Simulation, simulate

SOURCE = "sparkify-source"
# What dbt and the drivers send of their own accord; the rest is ours.
NOT_OURS = re.compile(
    r"information_schema|pg_catalog|\bpg_|^\s*(begin|commit|rollback|set|select 1|show)\b|svv_|sys_load|stv_",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def environment(stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A simulated source in a bucket beside an empty warehouse, and the environment that leads to both."""
    folder = tmp_path_factory.mktemp("simulated")
    simulate(folder, Simulation(events=1500, users=25, songs=60, days=4, seed=8))
    stand_in.create_bucket(SOURCE)
    for path in folder.rglob("*.json"):
        put(stand_in, path.relative_to(folder).as_posix(), path.read_bytes())
    stand_in.log.statements.clear()
    return stand_in.environment()


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


def test_the_sign_in_stores_no_password(environment: dict[str, str], project: Project) -> None:
    """IAM by default: without the password in the environment everything works as before."""
    without = {name: value for name, value in environment.items() if name != "SPARKIFY_REDSHIFT_PASSWORD"}
    asked = project.invoke("query", "select count(*) as users from users", "--json", "--target", "redshift", **without)
    assert json.loads(asked.stdout)[0]["users"] > 20


def test_every_statement_of_ours_is_redshift_to_sqlfluff(stand_in: StandIn) -> None:
    """A parser that knows nothing of the stand-in: of what was sent above, it can read every part."""
    ours = {
        re.sub(r"/\* \{.*?\} \*/", "", sent.sql, flags=re.DOTALL).strip().rstrip(";")
        for sent in stand_in.log.statements
        if not sent.error
    }
    ours = {sql for sql in ours if sql and not NOT_OURS.search(sql)}
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
