"""Nothing is published untested, whatever the environment says, the project leaves out or another command writes."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest
import yaml
from benches import Bench, RedshiftBench
from duckdb_file import rows, tables
from hostile_settings import hostile_settings
from projects import Project, source_beside
from records import make_event, make_song
from stand_in_clients import connect

from pipeline.console.display import Display
from pipeline.dbt.runner import Dbt
from pipeline.dbt.session import close_connections
from pipeline.errors import PipelineError
from pipeline.run.rebuild import begin_tests, record_run, run_data_tests
from pipeline.warehouse.publish import publish
from pipeline.warehouse.state import untested_note
from pipeline.warehouse.warehouse import Warehouse

WORK_FILE = ".sparkify/sparkify.duckdb"
NEVER = "These tables have not passed their tests yet."
SINCE = "These tables have not passed their tests: they were changed after the last complete run"


def data_tests(project: Project) -> int:
    """How many data tests the project's last parse has found."""
    nodes = json.loads((project.root / "target/manifest.json").read_text())["nodes"].values()
    return sum(1 for node in nodes if node["resource_type"] == "test")


def test_no_setting_of_dbt_in_the_environment_changes_a_run(played: Project, project: Project) -> None:
    kept = {"DBT_LOG_PATH": str(project.root / "kept_logs"), "DBT_TARGET_PATH": "kept_target"}
    done = project.invoke("run", "--json", "--source", str(source_beside(played)), **hostile_settings(), **kept)
    assert done.returncode == 0, done.stderr
    assert tables(project.database) == tables(played.database)
    assert json.loads(done.stdout)["tests_passed"] == data_tests(played)
    assert (project.root / "kept_logs/dbt.log").exists()
    assert (project.root / "kept_target/manifest.json").exists()
    # A dbt command by hand is the user's own.
    by_hand = project.dbt("parse", DBT_PROFILE="nobodys")
    assert "nobodys" in by_hand.stdout


def configure(project: Project, **settings: Any) -> None:
    path = project.root / "dbt_project.yml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **settings}))


def test_every_test_that_the_project_has_enabled_must_have_run(played: Project) -> None:
    folder = played.root / "tests/dbt"
    before = data_tests(played)
    (folder / "warned.sql").write_text("{{ config(severity='warn') }} select * from {{ ref('users') }}")
    (folder / "tolerant.sql").write_text("{{ config(error_if='> 1') }} select * from {{ ref('users') }}")
    (folder / "disabled.sql").write_text("{{ config(enabled=false) }} select * from {{ ref('users') }}")
    (folder / "disabled_elsewhere.sql").write_text("select * from {{ ref('users') }}")
    configure(played, data_tests={"sparkify": {"+schema": "test_failures", "disabled_elsewhere": {"+enabled": False}}})
    # What `dbt test` takes when nothing is selected.
    selector = {"name": "nothing", "default": True, "definition": {"method": "fqn", "value": "nothing"}}
    (played.root / "selectors.yml").write_text(yaml.safe_dump({"selectors": [selector]}))
    done = played.invoke("run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tests_passed"] == before
    assert "Test warned: Got 1 result, configured to warn if != 0" in done.stderr
    assert "Test tolerant: Got 1 result, configured to warn if != 0" in done.stderr

    published = played.database.read_bytes()
    (folder / "blank.sql").write_text("\n")
    for command in (("run",), ("publish",)):
        refused = played.invoke(*command)
        assert refused.returncode == 4
        assert f"1 of {before + 3} tests did not run: blank" in refused.stderr
        assert played.database.read_bytes() == published

    configure(played, data_tests={"sparkify": {"+enabled": False}})
    refused = played.invoke("publish")
    assert refused.returncode == 4
    assert "The project has no enabled data tests" in refused.stderr
    assert played.database.read_bytes() == published
    # They passed other tests than there are now.
    asked = played.invoke("query", "select 1", "--database", WORK_FILE)
    assert SINCE in asked.stderr


def test_a_query_of_the_work_file_says_whether_its_tables_have_passed(played: Project) -> None:
    def said(*flags: str) -> str:
        done = played.invoke("query", "select count(*) from songplays", "--csv", *flags)
        assert done.returncode == 0, done.stderr
        return done.stderr

    assert said("--database", WORK_FILE) == ""
    assert played.dbt("run", "--select", "users").returncode == 0
    assert SINCE in said("--database", WORK_FILE)
    assert SINCE not in said()  # of what is published
    published = played.database.rename(played.root / "elsewhere.duckdb")
    assert SINCE in said()  # the work file, as nothing is published
    published.rename(played.database)
    assert played.invoke("publish", "-q").returncode == 0
    assert said("--database", WORK_FILE) == said() == ""
    # To publish once more changes nothing of what is known of the last run.
    assert played.invoke("run", "-q").returncode == 0
    assert played.invoke("publish", "-q").returncode == 0
    assert "Nothing new" in played.invoke("run").stdout
    assert rows(played.database, "select count(*) from run_history where is_current") == [(1,)]


def built(bench: Bench) -> Bench:
    bench.put("log_data/1.json", make_event())
    bench.put("song_data/A/1.json", make_song())
    bench.load()
    bench.build(tests=False)
    return bench


def note(bench: Bench) -> str:
    close_connections()
    return untested_note(Warehouse(bench.settings))


def test_tables_that_change_between_tests_and_their_end_have_not_passed(engine: Bench) -> None:
    assert note(engine) == NEVER
    bench = built(engine)
    assert note(bench) == NEVER
    dbt = Dbt(bench.settings)
    begin_tests(dbt, "first")
    assert note(bench) == NEVER
    Dbt(bench.settings).command("run", "--select", "users")
    with pytest.raises(PipelineError, match="Another dbt command wrote tables"):
        record_run(dbt, "first", "a fingerprint")
    assert note(bench) == NEVER
    if bench.settings.target == "duckdb":
        with pytest.raises(PipelineError, match="was changed by another command after its tests had passed"):
            publish(bench.settings)
        assert not bench.settings.database.exists()

    begin_tests(dbt, "second")
    record_run(dbt, "second", "a fingerprint")
    assert note(bench) == ""
    if bench.settings.target == "duckdb":
        assert publish(bench.settings).exists()
    for command in (
        ("run", "--select", "users"),
        ("build", "--select", "users", "--resource-type", "model"),
        ("seed", "--select", "user_agent_rules"),
    ):
        begin_tests(dbt, command[0])
        record_run(dbt, command[0], "a fingerprint")
        Dbt(bench.settings).command(*command)
        assert note(bench).startswith(SINCE)
    assert bench.rows("select count(*) from staging.run_history where is_current") == [(0,)]


def test_tables_tested_while_a_dbt_command_writes_them_have_not_passed(
    redshift_bench: RedshiftBench, stand_in: Any
) -> None:
    """It began before the tests and ends after them: on Redshift nothing stops it."""
    bench = built(redshift_bench)

    def test_meanwhile(*_: Any) -> None:
        with closing(connect(stand_in, "sparkify")) as other:
            other.cursor().execute(
                "insert into staging.run_history values ('meanwhile', 'a fingerprint', 2, true, '2018-11-05')"
            )

    Dbt(bench.settings).command("run", "--select", "users", on_progress=test_meanwhile)
    assert bench.rows("select is_current from staging.run_history where run_id = 'meanwhile'") == [(False,)]
    assert note(bench).startswith(f"{SINCE} (5 November 2018")


def test_a_test_that_dbt_leaves_out_is_named(bench: Bench) -> None:
    built(bench)
    dbt = Dbt(bench.settings)
    manifest = dbt.parse()
    left_out = next(node for node in manifest.nodes.values() if node.resource_type == "test")
    left_out.raw_code = ""
    with pytest.raises(PipelineError, match=f"did not run: {left_out.name}. Nothing was published"):
        run_data_tests(bench.settings, dbt, Display(quiet=True))
