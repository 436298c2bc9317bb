"""The only place where the pipeline reads the time. Times are for people to read; nothing is ordered by them."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(tz=UTC)
