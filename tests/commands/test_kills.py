"""All or nothing, then finished: commands killed at any instant on DuckDB, and run again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from killed_warehouse import DuckDBWarehouse
from kills import Cases, kill_server, spread, tell

# Of how many instants one is tried; of those of a run with a new day, every one.
STRIDES = {"first run": 3, "run with a new day": 1, "reload": 7, "load.undo": 7}


@pytest.fixture(scope="module")
def cases(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    folder = tmp_path_factory.mktemp("killed")
    root = Path(shutil.copytree(template, folder / "project"))
    with kill_server(root, "duckdb", str(folder / "source"), {}) as server:
        yield Cases(DuckDBWarehouse(root, server, folder / "saved"))


@pytest.mark.parametrize(("name", "instants"), [("run with a new day", 7), ("first run", 3), ("load.undo", 3)])
def test_a_killed_command_is_finished_by_the_next(
    cases: Cases, name: str, instants: int, figures: Callable[..., None]
) -> None:
    tell(figures, "DuckDB", name, cases[name].kill_at(spread(instants, cases[name].instants)))


@pytest.mark.thorough
@pytest.mark.parametrize("name", STRIDES)
def test_killed_at_statements_and_at_random_times(cases: Cases, name: str, figures: Callable[..., None]) -> None:
    steps = cases[name].kill_at(range(1, cases[name].instants + 1, STRIDES[name]))
    assert {"Build", "Publish"} <= steps.keys() or STRIDES[name] > 1
    tell(figures, "DuckDB", name, steps + cases[name].kill_at_random(10, seed=2))
