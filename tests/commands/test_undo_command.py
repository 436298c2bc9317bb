"""load.undo, load.list and --reload as a user says them, on both engines."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from clocks import let_jump_in
from projects import Project, source_beside
from records import make_event, make_song

from redshift_stand_in import StandIn

BUCKET = "sparkify-to-undo"
REFUSED = "select * from {{ ref('songplays') }} where session_id = 2"


@dataclass(frozen=True)
class Site:
    """A project, the environment that leads to its warehouse and source, and the source."""

    project: Project
    environment: dict[str, str]
    source: Path
    stand_in: StandIn | None

    def put(self, key: str, *records: dict[str, Any]) -> None:
        text = "\n".join(json.dumps(record) for record in records)
        if self.stand_in:
            self.stand_in.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())
        else:
            (self.source / key).parent.mkdir(parents=True, exist_ok=True)
            (self.source / key).write_text(text)

    def invoke(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self.project.invoke(*arguments, **self.environment)
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str) -> Any:
        done = self.invoke(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def plays(self) -> int:
        """What analysts see."""
        return self.json("query", "select count(*) as plays from songplays")[0]["plays"]

    def loads(self) -> list[tuple[str, str]]:
        return [(load["load_id"], load["status"]) for load in self.json("load.list")]


@pytest.fixture(params=["duckdb", pytest.param("stand-in", marks=pytest.mark.thorough)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """A warehouse with one load of one play."""
    if request.param == "duckdb":
        played: Project = request.getfixturevalue("played")
        source = source_beside(played)
        let_jump_in(played.root)
        return Site(played, {"INVOKE_SOURCE": str(source)}, source, None)
    project: Project = request.getfixturevalue("project")
    stand_in: StandIn = request.getfixturevalue("stand_in")
    stand_in.reset()
    stand_in.create_bucket(BUCKET)
    environment = {**stand_in.environment(method="database"), "INVOKE_SOURCE": f"s3://{BUCKET}"}
    site = Site(project, environment, tmp_path / "source", stand_in)
    let_jump_in(project.root)
    site.put("log_data/1.json", make_event())
    site.put("song_data/A/1.json", make_song())
    done = site.invoke("run", "-q")
    assert done.returncode == 0, done.stderr
    return site


def test_a_load_that_a_test_refuses_is_named_and_taken_back(site: Site) -> None:
    site.put("log_data/2.json", make_event(sessionId=2), make_event(sessionId=2, itemInSession=1))
    (site.project.root / "tests/dbt/no_second_session.sql").write_text(REFUSED)
    refused = site.invoke("run")
    assert refused.returncode == 4
    (bad, _), (good, _) = site.loads()
    flags = " --target redshift" if site.stand_in else ""
    assert f"This run made load {bad}" in refused.stderr
    assert refused.stderr.rstrip().endswith(f"undo it with: ./inv load.undo {bad}{flags}")
    assert site.plays() == (3 if site.stand_in else 1)

    done = site.invoke("load.undo", bad)
    assert done.returncode == 0, done.stderr
    assert f"Load {bad} was undone: deleted 2 rows of staging_events, from 1 file." in done.stdout
    assert done.stdout.rstrip().endswith(f"Load it again with: ./inv load.redo {bad}{flags}")
    assert site.plays() == 1
    assert site.loads() == [(bad, "undone"), (good, "loaded")]

    assert "Nothing new" in site.invoke("run").stdout
    assert "Nothing to do" in site.invoke("load.undo", bad).stdout
    dry = site.invoke("load", "--dry-run")
    assert dry.stdout.strip() == "Nothing new to load."
    assert "Skipped 1 unchanged file of an undone load" in dry.stderr

    # Asked for again it is loaded again. A run that loads nothing and fails names the newest load.
    test = site.project.root / "tests/dbt/no_second_session.sql"
    test.unlink()
    assert site.json("run", "--reload", "log_data/2.json")["row_counts"]["songplays"] == 3
    again = site.loads()[0][0]
    assert site.loads() == [(again, "loaded"), (bad, "undone"), (good, "loaded")]
    test.write_text(REFUSED)
    assert f"The newest load is {again}" in site.invoke("run").stderr


def test_an_undo_that_was_stopped_is_finished_by_itself_or_by_a_run(site: Site) -> None:
    """Its transaction is committed, and nothing was built yet."""

    def undo_and_stop(load_id: str) -> None:
        arguments = ("run-operation", "undo_load", "--args", json.dumps({"load_id": load_id}))
        done = site.project.dbt(*arguments, **site.environment)
        assert done.returncode == 0, done.stdout

    (first,) = [load for load, _ in site.loads()]
    site.put("log_data/2.json", make_event(sessionId=2))
    second = site.json("load")["load_id"]
    undo_and_stop(second)
    assert f"Load {second} was undone before; now" in site.invoke("load.undo", second).stdout
    assert site.plays() == 1
    assert site.json("run")["built"] is False

    undo_and_stop(first)
    report = site.json("run")  # of a warehouse without a row
    assert (report["built"], report["load"], report["row_counts"]["songplays"]) == (True, None, 0)
    assert site.json("load.undo", first)["tests_passed"] is None

    site.put("log_data/1.json", make_event(), make_event(itemInSession=1))  # mended, and so it is new
    report = site.json("run", "--reload", "song_data")
    assert (report["load"]["rows"], report["load"]["replaced"]) == ({"staging_events": 2, "staging_songs": 1}, [])
    assert report["row_counts"]["songplays"] == 2


def test_what_cannot_be_undone_or_loaded_again_is_said(site: Site) -> None:
    (first,) = [load for load, _ in site.loads()]
    site.put("log_data/1.json", make_event(), make_event(itemInSession=1))
    changed = site.invoke("run")
    assert (changed.returncode, "--reload log_data/1.json" in changed.stderr) == (3, True)
    loaded = site.invoke("load", "--reload", "log_data/1.json", "--reload", "song_data")
    assert "(2 files loaded again)" in loaded.stdout
    second = site.loads()[0][0]
    assert site.loads() == [(second, "loaded"), (first, "replaced")]
    for arguments, words in [
        (("load.undo", first), f"Later loads replaced all of load {first}"),
        (("load.undo", "20000101T000000000000"), f"  {second}  2 files of "),
        (("load.undo", "' or '1' = '1"), "No load \"' or '1' = '1\" in this warehouse"),
        (("load", "--reload", "log_data/none.json"), "has no such file"),
        (("run", "--reload", ""), "--reload takes a file"),
    ]:
        done = site.invoke(*arguments)
        assert (done.returncode, words in done.stderr) == (2, True), (arguments, done.stderr)
    assert "2 loads. Undo one with: ./inv load.undo ID" in site.invoke("load.list").stdout


def test_there_is_nothing_to_undo_before_a_load(project: Project) -> None:
    assert project.invoke("load.list").stdout == "Nothing has been loaded yet. Load with: ./inv run\n"
    done = project.invoke("load.undo", "20000101T000000000000")
    assert (done.returncode, "Nothing has been loaded yet" in done.stderr) == (2, True)
