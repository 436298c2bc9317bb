"""What the tests share: copies of the project that commands run in, and warehouses made in this process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from redshift_stand_in import StandIn

from pipeline.dbt import Dbt, close_connections
from pipeline.settings import PROJECT_ROOT, Settings, read_settings

REAL_DATA = PROJECT_ROOT.parent / "shared" / "data" / "real"
CONFIG = {
    "target": "",
    "database": "sparkify.duckdb",
    "source": "",
    "redshift": {"bucket": "", "copy_role_arn": ""},
    "docs": {"port": 8080},
}


@dataclass(frozen=True)
class Project:
    """A copy of the project, in which commands run as a user would run them."""

    root: Path

    def invoke(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "invoke", *arguments, **environment)

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(Path(sys.executable).with_name("dbt")), *arguments)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.root,
            env={**clean_environment(), **environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    @property
    def database(self) -> Path:
        return self.root / "sparkify.duckdb"

    def rows(self, sql: str, database: Path | None = None) -> list[tuple[Any, ...]]:
        return rows(database or self.database, sql)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would point a command elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SPARKIFY_", "INVOKE_", "DBT_"))}


def rows(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        schemas = {
            row[0] for row in connection.execute("select schema_name from information_schema.schemata").fetchall()
        }
        connection.execute(f"set search_path = '{','.join(schemas & {'analytics', 'staging'})}'")
        return connection.execute(sql).fetchall()


def tables(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the star and the models below it, sorted, load ids left out."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables where table_schema = 'analytics' "
            "or (table_schema = 'staging' and (table_name like 'stg_%' or table_name like 'int_%')) order by all"
        ).fetchall()
        return {
            f"{schema}.{name}": connection.execute(
                f'select columns(lambda c: c <> \'load_id\') from "{schema}"."{name}" order by all'
            ).fetchall()
            for schema, name in names
        }


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files with a parsed manifest, to be copied by each test that needs a project of its own."""
    root = tmp_path_factory.mktemp("template") / "project"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (PROJECT_ROOT / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT_ROOT / name, root / name)
    shutil.copyfile(root / "profiles.yml.example", root / "profiles.yml")
    (root / ".sparkify").mkdir()
    parsed = Project(root).dbt("parse")
    assert parsed.returncode == 0, parsed.stdout
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Project:
    return Project(Path(shutil.copytree(template, tmp_path / "project")))


@pytest.fixture(scope="session")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The project's manifest, parsed once for every warehouse of this process."""
    folder = tmp_path_factory.mktemp("dbt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_TARGET_PATH", str(folder / "target"))
        patch.setenv("DBT_LOG_PATH", str(folder / "logs"))
        if not (PROJECT_ROOT / "profiles.yml").exists():
            shutil.copyfile(PROJECT_ROOT / "profiles.yml.example", PROJECT_ROOT / "profiles.yml")
        yield Dbt(read_settings({**CONFIG, "database": str(folder / "sparkify.duckdb")})).parse()


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    with StandIn() as started:
        yield started


@dataclass(frozen=True)
class Bench:
    """A warehouse in a folder of its own, and a source to put files into."""

    settings: Settings
    dbt: Dbt
    source: Path

    def put(self, name: str, *records: dict[str, Any] | str | bytes, end: bytes = b"") -> Path:
        """Write a file of the source: one line for each record, as JSON unless it is text already."""
        lines = [
            record
            if isinstance(record, bytes)
            else record.encode()
            if isinstance(record, str)
            else json.dumps(record, ensure_ascii=False).encode()
            for record in records
        ]
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\n".join(lines) + end)
        return path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return rows(self.settings.work_database, sql)


@pytest.fixture
def bench(parsed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("SPARKIFY_TARGET", "SPARKIFY_SCHEMA"):
        monkeypatch.delenv(name, raising=False)
    source = tmp_path / "source"
    settings = read_settings({**CONFIG, "source": str(source), "database": str(tmp_path / "sparkify.duckdb")})
    monkeypatch.setenv("SPARKIFY_WORK_DATABASE", str(settings.work_database))
    settings.work_database.parent.mkdir(parents=True)
    yield Bench(settings, Dbt(settings, parsed), source)
    close_connections()


def make_event(**changes: Any) -> dict[str, Any]:
    """A play as the log has it, with some values changed."""
    return {
        "artist": "Ann",
        "auth": "Logged In",
        "firstName": "Ava",
        "gender": "F",
        "itemInSession": 0,
        "lastName": "Stone",
        "length": 200.5,
        "level": "free",
        "location": "Fargo, ND-MN",
        "method": "PUT",
        "page": "NextSong",
        "registration": 1540919166796.0,
        "sessionId": 1,
        "song": "Tune",
        "status": 200,
        "ts": 1541105830796,
        "userAgent": "Agent/1",
        "userId": "7",
        **changes,
    }


def make_song(**changes: Any) -> dict[str, Any]:
    """A song of the catalogue, with some values changed."""
    return {
        "artist_id": "AR1",
        "artist_latitude": None,
        "artist_location": "",
        "artist_longitude": None,
        "artist_name": "Ann",
        "duration": 200.5,
        "num_songs": 1,
        "song_id": "SO1",
        "title": "Tune",
        "year": 0,
        **changes,
    }
