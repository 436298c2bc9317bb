"""What analysts open: whole, as it was or as it is to be, whatever they, the disk or another DuckDB do."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from duckdb_file import rows, tables
from killed_warehouse import first_files, write_files
from projects import Project, a_copy, clean_environment
from records import make_event

OLDER = "1.5.5"
WRITER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("set wal_autocheckpoint = '1TB'")
connection.execute("create table analytics.notes as select 42 as answer")
print("written", flush=True)
sys.stdin.readline()
"""
READER = """
import sys, duckdb
assert duckdb.__version__ == sys.argv[2], duckdb.__version__
connection = duckdb.connect(sys.argv[1], read_only=True)
for schema, name in connection.execute("select table_schema, table_name from information_schema.tables").fetchall():
    print(schema, name, connection.execute(f'select count(*) from "{schema}"."{name}"').fetchone()[0])
"""


@pytest.fixture(scope="module")
def older_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An older DuckDB beside the project's own, for a process of its own."""
    folder = tmp_path_factory.mktemp("duckdb")
    uv = shutil.which("uv")
    install = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    done = subprocess.run(
        [*install, "--quiet", "--no-deps", "--target", str(folder), f"duckdb=={OLDER}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def small(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a few plays, to be copied."""
    folder = tmp_path_factory.mktemp("small")
    project = Project(Path(shutil.copytree(template, folder / "project")))
    write_files(folder / "source", first_files())
    done = project.invoke("run", "-q", "--source", str(folder / "source"))
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def published(small: Project, tmp_path: Path) -> Iterator[Project]:
    yield a_copy(small, tmp_path)
    many_events(small).unlink(missing_ok=True)


def many_events(project: Project) -> Path:
    return Path(rows(project.database, "select distinct source from load_history")[0][0], "log_data/2030/many.json")


def test_an_analyst_who_wrote_and_was_killed_does_not_damage_what_is_published(published: Project) -> None:
    before = tables(published.database)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(published.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout.readline() == "written\n"
    writer.kill()
    writer.communicate()
    log = Path(f"{published.database}.wal")
    assert log.exists()
    done = published.invoke("run", "-q")
    assert done.returncode == 0, done.stderr
    assert not log.exists()
    assert tables(published.database) == before


def test_an_older_duckdb_reads_every_table_and_view(published: Project, older_duckdb: Path) -> None:
    (published.root / "models/marts/heard.sql").write_text(
        "{{ config(materialized='view', contract={'enforced': false}) }} select * from {{ ref('songplays') }}"
    )
    done = published.invoke("run", "-q")
    assert done.returncode == 0, done.stderr
    asked = subprocess.run(
        [sys.executable, "-c", READER, str(published.database), OLDER],
        env={**clean_environment(), "PYTHONPATH": str(older_duckdb)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    counts = {name: int(count) for _, name, count in map(str.split, asked.stdout.splitlines())}
    assert counts["heard"] == counts["songplays"] == rows(published.database, "select count(*) from songplays")[0][0]
    assert counts["staging_events"] == 18


def limited(project: Project, size: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that can write no file beyond a size, as if the disk ended there."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write that is too long fails, as it does on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return subprocess.run(
        [sys.executable, "tasks.py", *arguments],
        cwd=project.root,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )


def size_of(path: Path) -> int:
    return path.stat().st_size


@pytest.mark.parametrize("stage", ["load, at once", "load, in the middle", "build", "publish"])
def test_a_full_disk_leaves_what_is_published_and_the_next_run_finishes(published: Project, stage: str) -> None:
    before = published.database.read_bytes()
    work = published.root / ".sparkify/sparkify.duckdb"
    if stage != "publish":
        many = [make_event(sessionId=n, ts=1541105830796 + n * 1000, userId=str(n)) for n in range(30_000)]
        write_files(many_events(published).parents[2], {"log_data/2030/many.json": many})
    if stage == "build":
        assert published.invoke("load", "-q").returncode == 0
    command, size = {
        "load, at once": ("load", 50_000),
        "load, in the middle": ("load", size_of(work) // 2),
        "build": ("run", size_of(work) + 100_000),
        "publish": ("publish", size_of(work) - 4096),
    }[stage]
    full = limited(published, size, command, "-q")
    assert (full.returncode, full.stdout) == (5, "")
    assert full.stderr.startswith("Error: ")
    assert "File too large" in full.stderr
    assert "Traceback" not in full.stderr
    assert published.database.read_bytes() == before
    assert leftovers(published) == []
    done = published.invoke("run", "-q")
    assert done.returncode == 0, done.stderr
    assert leftovers(published) == []
    assert tables(published.database) == tables(work)


def leftovers(project: Project) -> list[str]:
    return [
        str(path)
        for path in (*project.root.glob("*"), *(project.root / ".sparkify").glob("*"))
        if path.suffix in (".publishing", ".tmp") or path.name.endswith("_loads")
    ]
