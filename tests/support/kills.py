"""Commands that are killed and run again: at which instant, and what must come of it."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from killed_warehouse import Contents, first_files, later_files
from projects import clean_environment

KILLED = -9
NUMBERED = re.compile(r"load \d+")


@dataclass
class KillServer:
    """tests/support/kill_server.py, and where its children's output goes."""

    process: subprocess.Popen[str]
    target: str
    source: str
    said: Path

    def ask(self, command: str = "run", **how: Any) -> dict[str, Any]:
        self._write(command=command, **how)
        answer = json.loads(self.process.stdout.readline())
        assert "Traceback" not in answer["said"], answer["said"]
        return answer

    def finish(self, command: str = "run", **how: Any) -> dict[str, Any]:
        """Run a command undisturbed, to its end."""
        answer = self.ask(command, **how)
        assert answer["status"] == 0, answer
        return answer

    def _write(self, **request: Any) -> None:
        request = {"target": self.target, "source": self.source, "said": str(self.said), **request}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()


@contextmanager
def kill_server(root: Path, target: str, source: str, environment: dict[str, str]) -> Iterator[KillServer]:
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("kill_server.py"))],
        cwd=root,
        env={**clean_environment(), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    server = KillServer(process, target, source, root / "said")
    try:
        server._write()
        assert json.loads(process.stdout.readline()) == {"ready": True}
        yield server
    finally:
        process.stdin.close()
        process.wait(timeout=60)
        process.stdout.close()


@dataclass
class Case:
    """A command from a saved state, which undisturbed ends in another one.

    A reload that is run again after it was committed is one load more: then numbers of loads are not compared.
    """

    warehouse: Any
    start: str
    request: dict[str, Any]
    old: Contents
    new: Contents
    instants: int
    seconds: float

    def kill(self, **when: Any) -> str | None:
        """Kill the command at an instant, run it again, and compare; the step it was in, None if it was done first."""
        self.warehouse.restore(self.start)
        killed = self.warehouse.server.ask(**self.request, **when)
        if killed["status"] == 0:
            return None
        assert killed["status"] == KILLED, killed
        try:
            self.warehouse.check_killed(self.old, self.new)
            self.finish()
        except AssertionError as error:
            raise AssertionError(f"killed at {when} in {killed['step']}: {error}") from error
        return killed["step"]

    def finish(self) -> None:
        """Run the command again: as if nothing had happened, and then there is nothing more to do."""
        self.warehouse.server.finish(**self.request)
        found, expected = self.warehouse.contents(), self.new
        if "reload" in self.request:
            found, expected = without_loads(found), without_loads(expected)
        assert found.keys() == expected.keys()
        assert [table for table in found if found[table] != expected[table]] == []
        assert self.warehouse.leftovers() == []
        assert "built: False" in self.warehouse.server.finish()["said"]

    def kill_at(self, instants: Iterable[int]) -> Counter[str]:
        return Counter(step for instant in instants if (step := self.kill(instant=instant)))

    def kill_at_random(self, count: int, seed: int) -> Counter[str]:
        chance = random.Random(seed)  # noqa: S311
        steps: Counter[str] = Counter()
        while steps.total() < count:
            if step := self.kill(seconds=chance.uniform(0.02, self.seconds)):
                steps[step] += 1
        return steps


def without_loads(contents: Contents) -> Contents:
    return {
        table: sorted((tuple(_unnumbered(value) for value in row) for row in rows), key=repr)
        for table, rows in contents.items()
        if table not in ("staging.load_history", "staging.build_history", "staging.run_history")
    }


def _unnumbered(value: Any) -> Any:
    return "load" if NUMBERED.fullmatch(str(value)) else value


class Cases:
    """What is killed, each made when it is first asked for; one is the state after a run, two that after a new day."""

    def __init__(self, warehouse: Any) -> None:
        self.warehouse = warehouse

    def __getitem__(self, name: str) -> Case:
        return getattr(self, name.replace(" ", "_").replace(".", "_"))

    @cached_property
    def one(self) -> Contents:
        self.warehouse.put(first_files())
        self.warehouse.restore("empty")
        self.warehouse.server.finish()
        self.warehouse.save("one")
        contents = self.warehouse.contents()
        self.warehouse.put(later_files())
        return contents

    @cached_property
    def two(self) -> Contents:
        contents = self.run_with_a_new_day.new
        self.warehouse.restore("one")
        self.warehouse.server.finish()
        self.warehouse.save("two")
        return contents

    @cached_property
    def first_run(self) -> Case:
        assert self.one
        return self._make("empty", {}, command="run")

    @cached_property
    def run_with_a_new_day(self) -> Case:
        return self._make("one", self.one, command="run")

    @cached_property
    def reload(self) -> Case:
        day = next(name for name in later_files() if name.startswith("log_data"))
        return self._make("two", self.two, command="run", reload=[day])

    @cached_property
    def load_undo(self) -> Case:
        old = self.two
        self.warehouse.restore("two")
        load_id = self.warehouse.rows("select max(load_id) from staging.load_history")[0][0]
        return self._make("two", old, command="load.undo", load_id=load_id)

    def _make(self, start: str, old: Contents, **request: Any) -> Case:
        """Run the command undisturbed from the saved state."""
        self.warehouse.restore(start)
        done = self.warehouse.server.finish(**request)
        return Case(self.warehouse, start, request, old, self.warehouse.contents(), done["instants"], done["duration"])


def tell(figures: Callable[..., None], engine: str, name: str, steps: Counter[str], how: str = "killed") -> None:
    """Say how often a command was killed, or what else, on an engine: promise 2."""
    figures(2, f"{name}, {how}", engine, steps.total())


def spread(count: int, instants: int) -> list[int]:
    """Some instants of many, from the first to the last."""
    return sorted({1 + round(n * (instants - 1) / (count - 1)) for n in range(count)})
