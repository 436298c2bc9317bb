"""How the reference of the findings puts numbers, days and names into words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def monday(day: date) -> date:
    return day - timedelta(days=day.isoweekday() - 1)


def half_up(value: Decimal, places: int = 0) -> str:
    return f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}"


def average(whole: Any, count: int) -> str:
    value = Decimal(whole) / count
    return half_up(value, 0 if value >= 100 else 1)


def share(part: int, whole: int) -> str:
    value = Decimal(100 * part) / whole
    if part in (0, whole):
        return f"{value.normalize():f}%"
    if 10 <= value <= 99:
        return half_up(value) + "%"
    return half_up(min(max(value, Decimal("0.1")), Decimal("99.9")), 1) + "%"


def some_of(part: int, whole: int, noun: str) -> str:
    return f"{part:,} of {several(whole, noun)}{f' ({share(part, whole)})' if whole >= 30 else ''}"


def several(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def together(names: Iterable[str]) -> str:
    names = list(names)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def short(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def long(day: date) -> str:
    return f"{WEEKDAYS[day.isoweekday() % 7]} {short(day)}"


def lasting(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return several(hours, "hour") + (f" {several(minutes, 'minute')}" if minutes else "")
    return several(minutes, "minute") if minutes else several(seconds, "second")
