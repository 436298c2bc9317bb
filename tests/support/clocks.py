"""Clocks that step back and forth, in the one place where the pipeline asks for the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate, cycle
from pathlib import Path

import pytest

from pipeline import clock

BEGIN = datetime(2026, 3, 29, 0, 59, 59, 999_999, tzinfo=UTC)
STEPS = (timedelta(seconds=-1), timedelta(days=-400), timedelta(), timedelta(days=500), timedelta(hours=-1))
# Each command of a project asks its own clock, and finds the step that the last one has left.
OF_A_PROJECT = """
from datetime import datetime, timedelta
from pathlib import Path

TIMES = {times!r}
COUNT = Path(__file__).with_name("clock.count")
NUMBER = int(COUNT.read_text()) if COUNT.exists() else 0
COUNT.write_text(str(NUMBER + 1))


def now():
    return datetime.fromisoformat(TIMES[NUMBER % len(TIMES)])
"""


def jumping() -> Iterator[datetime]:
    """Times, of which each is some steps before or after the one before it."""
    return accumulate(cycle(STEPS), initial=BEGIN)


def let_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every look at the clock find another time."""
    times = jumping()
    monkeypatch.setattr(clock, "now", lambda: next(times))


def let_jump_in(root: Path) -> None:
    """Let every command of a copied project find another time."""
    times = [time.isoformat() for time, _ in zip(jumping(), range(60), strict=False)]
    (root / "pipeline" / "clock.py").write_text(OF_A_PROJECT.format(times=times))
