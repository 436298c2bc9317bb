"""The fixtures that tests share, and what of the tests runs when."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import quick_dbt  # noqa: F401
from benches import CONFIG, Bench, RedshiftBench, make_redshift_bench
from clocks import let_jump
from figures import adder, collected, keep
from infra_stack import account, signed_in  # noqa: F401  fixtures
from projects import REAL_DATA, Project, source_with_one_play

from pipeline.dbt.runner import Dbt
from pipeline.dbt.session import close_connections
from pipeline.load.duckdb import folder as load_folder
from pipeline.settings import PROJECT_ROOT, read_settings
from pipeline.site.report.page import vega_scripts
from pipeline.warehouse import sources
from redshift_stand_in import StandIn

# A shell that runs the tests in the background turns Ctrl-C off for all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files with what its first command would make, to be copied by each test that needs its own."""
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
    vega_scripts(root / ".sparkify")
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


@pytest.fixture(scope="session")
def played_once(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project after a run, and with its source of one play. What was loaded knows the source's path."""
    folder = tmp_path_factory.mktemp("played") / "now"
    project = Project(Path(shutil.copytree(template, folder / "project")))
    done = project.invoke("run", "-q", "--source", str(source_with_one_play(folder / "source")))
    assert done.returncode == 0, done.stderr
    shutil.copytree(folder, folder.with_name("saved"))
    return folder


@pytest.fixture
def played(played_once: Path) -> Project:
    """A project after a run with one play, to be changed; its source is the folder beside it."""
    shutil.rmtree(played_once)
    shutil.copytree(played_once.with_name("saved"), played_once)
    return Project(played_once / "project")


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


@pytest.fixture
def bench(parsed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name in ("SPARKIFY_TARGET", "SPARKIFY_SCHEMA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sources, "WAS_NAMED", tmp_path / "source_was_named")
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
    monkeypatch.setattr(sources, "WAS_NAMED", tmp_path / "source_was_named")
    for name, value in stand_in.environment(method="database").items():
        monkeypatch.setenv(name, value)
    return make_redshift_bench(redshift_manifests, tmp_path, monkeypatch)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--integration",
        action="store_true",
        help="run the acceptance suite on the Redshift that the environment leads to, too; it drops what is there",
    )
    parser.addoption("--record", action="store_true", help="write the outputs in tests/commands/recorded anew")
    parser.addoption("--thorough", action="store_true", help="run the long tests too, and keep their figures")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--thorough"):
        long = [item for item in items if _is_long(item)]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)
    # Files of few tests have the longest ones; begun last, one would keep a single worker busy at the end.
    tests_in = Counter(item.path for item in items)
    items.sort(key=lambda item: tests_in[item.path])


def _is_long(item: pytest.Item) -> bool:
    """A build takes ten times as long on the stand-in, so that some tests are long there only."""
    is_on_redshift = "stand-in" in item.name and item.get_closest_marker("thorough_on_redshift")
    return bool(item.get_closest_marker("thorough") or is_on_redshift)


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Reports tested cases, as arguments of figures.Figure, for the end of the run and docs/promises.md."""
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
def jumping_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipeline's clock steps back and forth."""
    let_jump(monkeypatch)


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
