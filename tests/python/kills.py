"""Commands that are killed and run again: at which instant, and what must come of it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import clean_environment
from killed_warehouse import Contents, first_files, later_files

KILLED = -9


@dataclass
class KillServer:
    """tests/python/kill_server.py, and where its children's output goes."""

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
    """A command from a saved state, which undisturbed ends in another one."""

    warehouse: Any
    start: str
    old: Contents
    new: Contents
    instants: int
    seconds: float

    def kill(self, **when: Any) -> str | None:
        """Kill the command at an instant, run it again, and compare; the step it was in, None if it was done first."""
        self.warehouse.restore(self.start)
        killed = self.warehouse.server.ask(**when)
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
        """Run again: as if nothing had happened, and then there is nothing more to do."""
        self.warehouse.server.finish()
        found = self.warehouse.contents()
        assert found.keys() == self.new.keys()
        assert [table for table in found if found[table] != self.new[table]] == []
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


def make_case(warehouse: Any, start: str, old: Contents) -> Case:
    """Run the command undisturbed from the saved state: twice, the second time to know how long it takes."""
    warehouse.restore(start)
    done = warehouse.server.finish()
    return Case(warehouse, start, old, warehouse.contents(), done["instants"], done["duration"])


def make_cases(warehouse: Any) -> dict[str, Case]:
    """A first run, and a run with a new day and new songs on top of one."""
    warehouse.put(first_files())
    warehouse.restore("empty")
    warehouse.server.finish()
    old = warehouse.contents()
    warehouse.save("first")
    warehouse.put(later_files())
    return {
        "a first run": make_case(warehouse, "empty", {}),
        "a run with a new day": make_case(warehouse, "first", old),
    }


def spread(count: int, instants: int) -> list[int]:
    """Some instants of many, from the first to the last."""
    return sorted({1 + round(n * (instants - 1) / (count - 1)) for n in range(count)})
