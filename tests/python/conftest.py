"""What the tests share: copies of the project that commands run in, and warehouses made in this process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from dbt_common.behavior_flags import BehaviorFlagRendered
from duckdb_file import rows, tables  # noqa: F401  tests take them from here
from figures import adder, collected, keep
from infra_stack import account, signed_in  # noqa: F401  fixtures
from redshift_stand_in import StandIn

from pipeline import load_folder
from pipeline.dbt import Dbt, close_connections
from pipeline.display import Display
from pipeline.load import LoadReport, load, plan_load
from pipeline.settings import PROJECT_ROOT, LoadOptions, Settings, read_settings
from pipeline.warehouse import Warehouse

# For a name in an event that nobody reads, each adapter that dbt makes looks for the module of every frame of the stack
# among all that are loaded, some times over: in a process with thousands that was nine tenths of a test's time.
BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")

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

    def dbt(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(Path(sys.executable).with_name("dbt")), *arguments, **environment)

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
def sample(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the simulated sample and all that is made from it, to be read; a_copy of it may be changed."""
    project = Project(Path(shutil.copytree(template, tmp_path_factory.mktemp("sample") / "project")))
    for arguments in (("run", "-q"), ("docs.build", "-q")):
        done = project.invoke(*arguments)
        assert done.returncode == 0, done.stderr
    return project


def a_copy(project: Project, folder: Path) -> Project:
    return Project(Path(shutil.copytree(project.root, folder / "copy")))


@pytest.fixture(scope="session")
def real(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the real data, to be read. Skips where the data is not there."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real data is not beside this checkout")
    project = Project(Path(shutil.copytree(template, tmp_path_factory.mktemp("real") / "project")))
    done = project.invoke("run", "-q", "--source", str(REAL_DATA))
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    """What an independent program counts in the real data."""
    return json.loads((REAL_DATA / "golden.json").read_text())


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

    @property
    def address_of_source(self) -> str:
        return str(self.source)

    def load(self, **flags: Any) -> LoadReport:
        """Load what is new."""
        plan = plan_load(self.settings, self.address_of_source, LoadOptions.from_flags(**flags))
        return load(self.settings, plan, self.dbt, Display(quiet=True))

    def other_source(self, folder: Path) -> Bench:
        """The same warehouse with another source."""
        return replace(self, source=folder)

    def build(self, *, tests: bool = True) -> None:
        """Build every model, and test them. A fresh parse each time: building writes into the manifest."""
        kinds = ["--exclude-resource-type", "unit_test"] + ([] if tests else ["--exclude-resource-type", "test"])
        Dbt(self.settings).command("build", *kinds)
        close_connections()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return Warehouse(self.settings).query(sql).rows

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the star and the models below it, sorted, load ids left out."""
        columns: dict[str, list[str]] = {}
        for schema, table, column in self.rows(
            "select table_schema, table_name, column_name from information_schema.columns where table_schema = "
            "'analytics' or (table_schema = 'staging' and (table_name like 'stg%' or table_name like 'int%')) "
            "order by table_schema, table_name, ordinal_position"
        ):
            if not column.endswith("load_id"):
                columns.setdefault(f"{schema}.{table}", []).append(column)
        return {
            table: sorted(self.rows(f"select {', '.join(names)} from {table}"), key=repr)
            for table, names in columns.items()
        }


@dataclass(frozen=True)
class RedshiftBench(Bench):
    """A warehouse on Redshift or its stand-in, and a prefix of the project's own bucket as its source."""

    address: str

    def put(self, name: str, *records: dict[str, Any] | str | bytes, end: bytes = b"") -> Path:
        path = super().put(name, *records, end=end)
        bucket, _, prefix = self.address.removeprefix("s3://").partition("/")
        boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{name}".lstrip("/"), Body=path.read_bytes())
        return path

    def take(self, name: str) -> None:
        """Take a file of the source away."""
        bucket, _, prefix = self.address.removeprefix("s3://").partition("/")
        boto3.client("s3").delete_object(Bucket=bucket, Key=f"{prefix}/{name}")

    def other_source(self, folder: Path) -> Bench:
        return replace(self, source=folder, address=f"{self.address}-{folder.name}")

    @property
    def address_of_source(self) -> str:
        return self.address


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


@pytest.fixture(scope="session")
def started_stand_in() -> Iterator[StandIn]:
    with StandIn() as started:
        yield started


@pytest.fixture(scope="module")
def stand_in(started_stand_in: StandIn) -> StandIn:
    """The Redshift stand-in, empty for each module: moto's state is shared with all that use moto in this process."""
    started_stand_in.reset()
    return started_stand_in


@pytest.fixture(scope="session")
def redshift_manifests() -> dict[str, Any]:
    """The parsed project by the warehouse that it was parsed for."""
    return {}


@pytest.fixture
def redshift_bench(
    stand_in: StandIn, redshift_manifests: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RedshiftBench:
    """An empty warehouse on the stand-in."""
    stand_in.reset()
    for name, value in {**stand_in.environment(), "SPARKIFY_REDSHIFT_METHOD": "database"}.items():
        monkeypatch.setenv(name, value)
    return make_redshift_bench(redshift_manifests, tmp_path, monkeypatch)


def make_redshift_bench(manifests: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> RedshiftBench:
    """A bench on the Redshift that the environment leads to."""
    monkeypatch.setenv("DBT_TARGET_PATH", str(folder / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(folder / "logs"))
    redshift = {name: os.environ[f"INVOKE_REDSHIFT_{name.upper()}"] for name in ("bucket", "copy_role_arn")}
    address = f"s3://{redshift['bucket']}/acceptance/{uuid4().hex}"
    settings = read_settings({**CONFIG, "target": "redshift", "source": address, "redshift": redshift})
    host = os.environ["SPARKIFY_REDSHIFT_HOST"]
    if host not in manifests:
        manifests[host] = Dbt(settings).parse()
    return RedshiftBench(settings, Dbt(settings, manifests[host]), folder / "source", address)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--integration",
        action="store_true",
        help="run the acceptance suite on the Redshift that the environment leads to, too; it drops what is there",
    )
    parser.addoption("--thorough", action="store_true", help="run the long tests too, and keep their figures")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--thorough"):
        long = [item for item in items if _is_long(item)]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


def _is_long(item: pytest.Item) -> bool:
    """A build takes ten times as long on the stand-in, so that some tests are long there only."""
    is_on_redshift = "stand-in" in item.name and item.get_closest_marker("thorough_on_redshift")
    return bool(item.get_closest_marker("thorough") or is_on_redshift)


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Call it with what was tried, for the end of the run and docs/promises.md: figures.Figure says with what."""
    return adder(request.node)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if found := collected(terminalreporter.stats.get("passed", [])):
        terminalreporter.section("tried, and held")
        for figure in found:
            terminalreporter.line(f"{figure.cases:>8,}  {figure.engine:<9} {figure.tried}")
        if config.getoption("--thorough"):
            keep(found)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        engines = ["duckdb", "stand-in", *(["redshift"] if metafunc.config.getoption("--integration") else [])]
        metafunc.parametrize("engine", engines, indirect=True)
    if "reader" in metafunc.fixturenames:
        readers = ["lines", "files", "stand-in", *(["redshift"] if metafunc.config.getoption("--integration") else [])]
        metafunc.parametrize("reader", readers, indirect=True)


@pytest.fixture
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An empty warehouse on each engine; on DuckDB with its reader for small files and with the one for big files."""
    if request.param in ("lines", "files"):
        monkeypatch.setattr(load_folder, "SMALL_FILE_BYTES", 1_000_000 if request.param == "lines" else 1)
    return _bench_on(request, request.param)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Bench:
    """An empty warehouse on each engine."""
    return _bench_on(request, request.param)


def _bench_on(request: pytest.FixtureRequest, name: str) -> Bench:
    if name in ("duckdb", "lines", "files"):
        return request.getfixturevalue("bench")
    if name == "stand-in":
        return request.getfixturevalue("redshift_bench")
    bench = make_redshift_bench(
        request.getfixturevalue("redshift_manifests"),
        request.getfixturevalue("tmp_path"),
        request.getfixturevalue("monkeypatch"),
    )
    bench.dbt.run_operation("drop_warehouse")
    return bench


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
