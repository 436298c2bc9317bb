"""The columns of the landed tables that come out of JSON, as models/staging/_sources.yml describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class JsonColumn:
    """A landed column that takes a key's value, and what the load checks of it besides the type."""

    name: str
    data_type: str
    json_key: str
    not_null: bool
    range: tuple[int, int] | None
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
            accepted=tuple(meta.get("accepted", ())),
        )
