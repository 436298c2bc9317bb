"""The one place where the pipeline asks for the time. Times are for people to read: no order is ever made of them."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(tz=UTC)
