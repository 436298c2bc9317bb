"""The columns of the landed tables that come from JSON, as models/staging/_sources.yml describes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_IN = {"seconds": Decimal(1000), "microseconds": Decimal("1e-3"), "nanoseconds": Decimal("1e-6")}


@dataclass(frozen=True)
class JsonColumn:
    """A landed column for the value of a JSON key, and what the load checks besides the type.

    unit is milliseconds if the number is a time since 1970.
    """

    name: str
    data_type: str
    json_key: str
    not_null: bool
    range: tuple[int, int] | None
    unit: str | None
    accepted: tuple[str, ...]

    @classmethod
    def of(cls, name: str, data_type: str, meta: dict[str, Any]) -> JsonColumn:
        limits = meta.get("range")
        return cls(
            name=name,
            data_type=data_type,
            json_key=meta["json_key"],
            not_null=bool(meta.get("not_null")),
            range=(limits[0], limits[1]) if limits else None,
            unit=meta.get("unit"),
            accepted=tuple(meta.get("accepted", ())),
        )

    def out_of_range(self, number: Decimal) -> str:
        """Why a number is out of range, worded as in duckdb__out_of_range; empty if it is in range."""
        if self.range is None or self.range[0] <= number <= self.range[1]:
            return ""
        least, most = self.range
        if self.unit != "milliseconds":
            return f"not between {least} and {most}"
        years = " and ".join(str((_EPOCH + timedelta(milliseconds=limit)).year) for limit in self.range)
        units = (unit for unit, factor in _MILLISECONDS_IN.items() if least <= number * factor <= most)
        return f"not between {years} in milliseconds" + "".join(f"; looks like {unit}" for unit in units)
