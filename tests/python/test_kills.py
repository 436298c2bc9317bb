"""All or nothing, then finished: commands killed at any instant on DuckDB, and run again."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from killed_warehouse import DuckDBWarehouse
from kills import Case, kill_server, make_cases, spread

CASES = ("a first run", "a run with a new day")


@pytest.fixture(scope="module")
def cases(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Case]]:
    folder = tmp_path_factory.mktemp("killed")
    root = Path(shutil.copytree(template, folder / "project"))
    with kill_server(root, "duckdb", str(folder / "source"), {}) as server:
        yield make_cases(DuckDBWarehouse(root, server, folder / "saved"))


def tell(figures: Callable[..., None], name: str, steps: Counter[str], how: str) -> None:
    for step, count in steps.items():
        figures(2, f"{name} killed {how}, in step {step}", "DuckDB", count)


@pytest.mark.parametrize("name", CASES)
def test_a_killed_run_is_finished_by_the_next(cases: dict[str, Case], name: str, figures: Callable[..., None]) -> None:
    steps = cases[name].kill_at(spread(8, cases[name].instants)) + cases[name].kill_at_random(3, seed=1)
    tell(figures, name, steps, "here and there")


@pytest.mark.thorough
@pytest.mark.parametrize("name", CASES)
def test_killed_at_every_statement(cases: dict[str, Case], name: str, figures: Callable[..., None]) -> None:
    steps = cases[name].kill_at(range(1, cases[name].instants + 1))
    assert {"Load", "Build", "Publish"} <= steps.keys()
    tell(figures, name, steps, "at every statement")


@pytest.mark.thorough
@pytest.mark.parametrize("name", CASES)
def test_killed_at_random_times(cases: dict[str, Case], name: str, figures: Callable[..., None]) -> None:
    tell(figures, name, cases[name].kill_at_random(40, seed=2), "at random times")
