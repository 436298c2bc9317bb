"""Days without events between days with events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from pipeline.warehouse import Warehouse

DAY = timedelta(days=1)
DAY_MS = 86_400_000
# How far from a load's own events the next ones are looked for, again and again, before all of the history is asked.
NEAR_MS = (DAY_MS, 10 * DAY_MS, 100 * DAY_MS)


def days_without_events(warehouse: Warehouse, load_id: str) -> list[str]:
    """The ISO dates of days without events among the days of a load, and from there to the nearest days with events.

    Only what is around the load's own events is read, so that it costs what the load is, not what the history is.
    """
    events = f"{warehouse.schema('staging')}.staging_events"
    first, last = warehouse.query(f"select min(ts), max(ts) from {events} where load_id = '{load_id}'").rows[0]
    if first is None:
        return []

    def nearest(aggregate: str, conditions: list[str]) -> int | None:
        for condition in conditions:
            found = warehouse.query(f"select {aggregate}(ts) from {events} where {condition}").rows[0][0]
            if found is not None:
                return int(found)
        return None

    before = nearest("max", [*(f"ts between {first - near} and {first - 1}" for near in NEAR_MS), f"ts < {first}"])
    after = nearest("min", [*(f"ts between {last + 1} and {last + near}" for near in NEAR_MS), f"ts > {last}"])
    first, last = (first if before is None else before), (last if after is None else after)
    days = warehouse.query(
        f"select distinct ts - mod(ts, {DAY_MS}) as day_ms from {events} "
        f"where ts between {first} and {last} order by day_ms"
    ).rows
    dates = [datetime.fromtimestamp(int(day) / 1000, tz=UTC).date() for (day,) in days]
    return [
        (day + number * DAY).isoformat()
        for day, following in pairwise(dates)
        for number in range(1, (following - day).days)
    ]
