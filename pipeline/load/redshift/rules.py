"""The load's checks beyond COPY's own, applied to records in the files: COPY does not report where a row came from.

macros/loading/redshift/rules.sql applies the same rules in SQL to the rows from COPY.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from pipeline.dbt.columns import JsonColumn


def broken_rule(record: dict[str, Any], columns: Sequence[JsonColumn]) -> tuple[int, str] | None:
    """The position of the first column whose value breaks a rule, and the reason; None if there is none."""
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
    """The value as a number of the column's type; None if it is not a number, which COPY itself reports."""
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
