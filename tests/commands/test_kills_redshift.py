"""All or nothing, then finished: commands killed or disconnected on the Redshift stand-in, then run again."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from killed_warehouse import BUCKET, StandInWarehouse
from kills import Case, Cases, kill_server, spread, tell

from redshift_stand_in import StandIn
from redshift_stand_in.connection import Connection

CASES = ("first run", "run with a new day", "reload", "load.undo")


@pytest.fixture(scope="module")
def cases(stand_in: StandIn, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    root = Path(shutil.copytree(template, tmp_path_factory.mktemp("killed") / "project"))
    stand_in.create_bucket(BUCKET)
    environment = stand_in.environment(method="database")
    with kill_server(root, "redshift", f"s3://{BUCKET}", environment) as server:
        yield Cases(StandInWarehouse(root, server, stand_in))


def cut_at(case: Case, statement: int, *, is_carried_out: bool) -> str:
    """Cut the connection of the n-th statement off: before the server has it, or before its answer is back."""
    stand_in = case.warehouse.stand_in
    case.warehouse.restore(case.start)
    seen = 0

    def cut(connection: Connection, _sql: str) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            connection.client.cut() if is_carried_out else connection.cut()

    stand_in.before_statement = cut
    try:
        done = case.warehouse.server.ask(**case.request)
    finally:
        stand_in.before_statement = None
    assert done["status"] in (0, 1, 5), done
    assert done["status"] == 0 or "\nError: " in f"\n{done['said']}", done
    case.warehouse.check_killed(case.old, case.new)
    case.finish()
    return done["step"]


def test_a_killed_run_is_finished_by_the_next(cases: Cases, figures: Callable[..., None]) -> None:
    case = cases["run with a new day"]
    tell(figures, "stand-in", "run with a new day", case.kill_at(spread(4, case.instants)), "killed")


def test_a_run_that_was_cut_off_is_finished_by_the_next(cases: Cases, figures: Callable[..., None]) -> None:
    case = cases["run with a new day"]
    steps = Counter(
        cut_at(case, statement, is_carried_out=bool(n % 2)) for n, statement in enumerate(spread(3, case.instants))
    )
    tell(figures, "stand-in", "run with a new day", steps, "disconnected by the server")


@pytest.mark.thorough
@pytest.mark.parametrize("name", CASES)
def test_killed_at_many_statements(cases: Cases, name: str, figures: Callable[..., None]) -> None:
    tell(figures, "stand-in", name, cases[name].kill_at(spread(20, cases[name].instants)), "killed")
    tell(figures, "stand-in", name, cases[name].kill_at_random(5, seed=3), "killed at random times")


@pytest.mark.thorough
@pytest.mark.parametrize("name", CASES)
def test_cut_off_at_many_statements(cases: Cases, name: str, figures: Callable[..., None]) -> None:
    case = cases[name]
    tried = [(at, is_carried_out) for is_carried_out in (False, True) for at in spread(8, case.instants)]
    steps = Counter(cut_at(case, at, is_carried_out=is_carried_out) for at, is_carried_out in tried)
    tell(figures, "stand-in", name, steps, "disconnected by the server")
