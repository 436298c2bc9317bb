"""The load's checks beside COPY's own, on a record as it stands in its file: COPY does not say whence a row came.

macros/loading/redshift/rules.sql says the same in SQL, of the rows that COPY has made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from pipeline.columns import JsonColumn


def broken_rule(record: dict[str, Any], columns: Sequence[JsonColumn]) -> tuple[int, str] | None:
    """The position of the first column whose value breaks a rule, and which rule; None if none does."""
    for position, column in enumerate(columns):
        if reason := _broken(record.get(column.json_key), column):
            return position, reason
    return None


def _broken(value: Any, column: JsonColumn) -> str:
    is_text = column.data_type.startswith("varchar")
    if value is None or value == "":
        return "missing" if value == "" and is_text and column.not_null else ""
    if column.accepted and value not in column.accepted:
        return f"not one of {', '.join(column.accepted)}"
    if column.range:
        number = _number(value, column.data_type)
        return "" if number is None else column.out_of_range(number)
    return ""


def _number(value: Any, data_type: str) -> Decimal | None:
    """The number that a column makes of a value; None where it is none, which is for COPY to say."""
    if isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value).strip())
        if not number.is_finite():
            return None
        scale = re.search(r",\s*(\d+)\)", data_type)
        return number.quantize(Decimal(1).scaleb(-int(scale[1])), ROUND_HALF_UP) if scale else number
    except InvalidOperation:
        return None
