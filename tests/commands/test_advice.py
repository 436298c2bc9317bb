"""What a command advises, pasted into a shell as it stands, does what it says."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from projects import Project, clean_environment
from records import make_event, make_song

from pipeline.settings import PROJECT_ROOT, read_settings
from redshift_stand_in import StandIn

BUCKET = "sparkify-advice"
NAMESAKE = "log_data/day 1's.json"


@dataclass(frozen=True)
class Desk:
    """A project in whose folder commands are pasted, and two sources with files of the same names."""

    project: Project
    environment: dict[str, str]
    sources: tuple[str, str]
    write: Callable[[str, str, str], None]
    flags: tuple[str, ...]

    def put(self, source: int, key: str, *sessions: int) -> None:
        text = "\n".join(json.dumps(make_event(sessionId=session)) for session in sessions)
        self.write(self.sources[source], key, text)
        self.write(self.sources[source], "song_data/A/1.json", json.dumps(make_song()))

    def run(self, *arguments: str) -> str:
        """What a command says, whatever comes of it."""
        return self.paste(shlex.join(["./inv", *arguments]), check=False)

    def paste(self, command: str, *, check: bool = True) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.project.root,
            env={**clean_environment(), **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert not check or done.returncode == 0, (command, done.stderr)
        return done.stdout + done.stderr

    def sessions(self) -> list[int]:
        sql = "select session_id from songplays order by 1"
        found = self.paste(shlex.join(["./inv", "query", sql, "--csv", *self.flags]))
        return [int(line) for line in found.splitlines() if line.isdigit()]


def advised(said: str, task: str) -> str:
    """The command that a text advises, which ends its line."""
    (found,) = {line[line.index(f"./inv {task}") :] for line in said.splitlines() if f"./inv {task}" in line}
    return found


@pytest.fixture(params=["duckdb", pytest.param("stand-in", marks=pytest.mark.thorough)])
def desk(request: pytest.FixtureRequest, project: Project, tmp_path: Path) -> Desk:
    inv = project.root / "inv"
    inv.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m invoke "$@"\n')
    if request.param == "duckdb":
        sources = tuple(str(tmp_path / name) for name in ("Ann's source", "other"))

        def write(source: str, key: str, text: str) -> None:
            path = Path(source, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

        # A database that is not the default one: the advice must lead there.
        return Desk(project, {}, sources, write, ("--database", str(tmp_path / "plays of Ann" / "ann.duckdb")))
    stand_in: StandIn = request.getfixturevalue("stand_in")
    stand_in.reset()
    stand_in.create_bucket(BUCKET)

    def put_object(source: str, key: str, text: str) -> None:
        name = f"{source.removeprefix(f's3://{BUCKET}/')}/{key}"
        stand_in.aws.client("s3").put_object(Bucket=BUCKET, Key=name, Body=text.encode())

    sources = (f"s3://{BUCKET}/one", f"s3://{BUCKET}/other")
    return Desk(project, stand_in.environment(method="database"), sources, put_object, ("--target", "redshift"))


def test_advice_does_what_it_says(desk: Desk) -> None:
    desk.put(0, NAMESAKE, 1)
    desk.put(1, NAMESAKE, 2)
    is_redshift = "--target" in desk.flags
    if not is_redshift:  # an unknown database, of a clone whose default one has a source
        assert "No source is known" in desk.run("run", *desk.flags)
        desk.paste(shlex.join(["./inv", "load", "--source", desk.sources[0]]))
        desk.paste(advised(desk.run("query", "select 1", *desk.flags), "run"))
    else:
        desk.paste(shlex.join(["./inv", "run", "--source", desk.sources[0], *desk.flags]))
    assert desk.sessions() == [1]

    # Another source, in the same warehouse.
    refused = desk.run("run", "--source", desk.sources[1], *desk.flags)
    desk.paste(refused[refused.index("one warehouse with: ") :].partition(": ")[2].splitlines()[0])
    assert desk.sessions() == [1, 2]

    # A failed test: its rows, and the way back; then the load again, of its own source only.
    test = desk.project.root / "tests/dbt/no_third_session.sql"
    test.write_text("select * from {{ ref('songplays') }} where session_id in (3, 4)")
    desk.put(1, "log_data/3.json", 3)
    desk.put(1, "log_data/4.json", 4)
    failed = desk.run("run", *desk.flags)
    if not is_redshift:
        assert "2 rows" in desk.paste(advised(failed, "query"))
    undone = desk.paste(advised(failed, "load.undo"))
    assert desk.sessions() == [1, 2]
    desk.put(0, "log_data/3.json", 13)
    held = desk.run("load", "--dry-run", *desk.flags)
    assert advised(held, "load.redo") == advised(undone, "load.redo")
    test.unlink()
    desk.paste(advised(undone, "load.redo"))
    assert desk.sessions() == [1, 2, 3, 4]
    again = desk.run(*shlex.split(advised(undone, "load.redo"))[1:])
    assert "Nothing new" in again
    loaded = desk.paste(shlex.join(["./inv", "load", *desk.flags]))
    desk.paste(advised(loaded, "run"))
    assert desk.sessions() == [1, 2, 3, 4, 13]

    # Files that changed: few are named one by one, many together, and of the other source none.
    desk.put(0, NAMESAKE, 21)
    refused = desk.run("run", *desk.flags)
    desk.paste(advised(refused, "run"))  # on Redshift with a warning: other files of its load come again, too
    assert desk.sessions() == [2, 3, 4, 13, 21]


def test_many_changed_files_are_loaded_again_at_once_and_a_redo_takes_bad_records_as_its_load_did(desk: Desk) -> None:
    for number in range(7):
        desk.put(0, f"log_data/{number}.json", number)
    desk.write(desk.sources[0], "log_data/bad.json", "no record\n" + json.dumps(make_event(sessionId=50)))
    desk.paste(shlex.join(["./inv", "run", "--max-errors", "3", "--source", desk.sources[0], *desk.flags]))
    (load,) = json.loads(desk.paste(shlex.join(["./inv", "load.list", "--json", *desk.flags])))
    desk.paste(advised(desk.paste(shlex.join(["./inv", "load.undo", load["load_id"], *desk.flags])), "load.redo"))
    assert desk.sessions() == [0, 1, 2, 3, 4, 5, 6, 50]
    for number in range(7):
        desk.put(0, f"log_data/{number}.json", 10 + number)
    refused = desk.run("run", *desk.flags)
    if "--target" not in desk.flags:
        desk.paste(advised(refused, "run"))
        assert desk.sessions() == [10, 11, 12, 13, 14, 15, 16, 50]


def test_advice_repeats_the_flags_that_stand_in_the_place_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT_ROOT)
    config = {
        "target": "redshift",
        "database": "other.duckdb",
        "source": "",
        "file_names": "",
        "docs": {"port": 1},
        "redshift": {"bucket": "", "copy_role_arn": ""},
    }
    settings = read_settings(config, target="duckdb", database="sparkify.duckdb")
    assert settings.flags == f" --target duckdb --database {shlex.quote(str(PROJECT_ROOT / 'sparkify.duckdb'))}"
    assert settings.work_flags == " --target duckdb --database .sparkify/sparkify.duckdb"
    assert read_settings(config).flags == " --target redshift"
    assert read_settings({**config, "target": ""}, database="sparkify.duckdb").flags.startswith(" --database ")
    assert read_settings({**config, "target": "", "database": "sparkify.duckdb"}).flags == ""
