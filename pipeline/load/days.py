"""Days without events between days with events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from pipeline.warehouse.ledger import LOADED
from pipeline.warehouse.warehouse import Warehouse

DAY = timedelta(days=1)
DAY_MS = 86_400_000
# The next day with events is searched for within so many days of the load's own, in steps, before the whole history.
NEAR = (1, 10, 100, 40_000)


def days_without_events(warehouse: Warehouse, load_id: str) -> list[str]:
    """The ISO dates of days without events among the days of a load, and from there to the nearest days with events.

    stg_events is sorted by time and is read only around the load's own days, so the cost grows with the load and not
    with the history. Loads that it does not have yet are read from the landed table.
    """
    staging = warehouse.schema("staging")
    loads = _column(warehouse, f"select distinct load_id from {staging}.load_history where status = '{LOADED}'")
    built = _column(warehouse, f"select load_id from {staging}.build_history where model_name = 'stg_events'")
    unbuilt = ", ".join(f"'{load}'" for load in sorted((loads - built) | {load_id}))
    landed = warehouse.query(
        f"select distinct load_id, ts - mod(ts, {DAY_MS}) from {staging}.staging_events where load_id in ({unbuilt})"
    ).rows
    days = {datetime.fromtimestamp(int(day_ms) / 1000, tz=UTC).date() for _, day_ms in landed}
    own = {datetime.fromtimestamp(int(day_ms) / 1000, tz=UTC).date() for load, day_ms in landed if load == load_id}
    if not own:
        return []
    first, last = min(own), max(own)
    if loads & built:
        days |= _built_days(warehouse, first, last)
    return [
        (day + number * DAY).isoformat()
        for day, following in pairwise(sorted(days))
        if day <= last and following >= first
        for number in range(1, (following - day).days)
    ]


def _built_days(warehouse: Warehouse, first: date, last: date) -> set[date]:
    """The days in stg_events from the nearest one before the first to the nearest one after the last."""

    def between(start: date, end: date) -> set[date]:
        return _column(
            warehouse,
            f"select distinct cast(event_at as date) from {warehouse.schema('staging')}.stg_events "
            f"where event_at >= '{start}' and event_at < '{end + DAY}'",
        )

    def nearest(ranges: Iterable[tuple[date, date]]) -> set[date]:
        return next(filter(None, (between(*days) for days in ranges)), set())

    return (
        between(first, last)
        | nearest((first - days * DAY, first - DAY) for days in NEAR)
        | nearest((last + DAY, last + days * DAY) for days in NEAR)
    )


def _column(warehouse: Warehouse, sql: str) -> set[date]:
    return {row[0] for row in warehouse.query(sql).rows}
