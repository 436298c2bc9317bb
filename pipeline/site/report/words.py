"""How findings write numbers, days and names, and how much data a statement needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from fractions import Fraction

ENOUGH = 30  # with a smaller total of plays, sessions or users, only counts are given, no shares
ENOUGH_IN_A_WEEK = 10  # with fewer plays of a song or artist in a week, a rise may be chance
ENOUGH_DAYS = 2  # with fewer whole days of any weekday, weekdays are not compared
MOST_NAMES = 3  # if more tie, they are counted, not named
NAMELESS = "Other"  # the browser in user_agents if the user agent is missing or not recognised


def rounded(value: int | Fraction, digits: int = 0) -> str:
    """A non-negative number with this many decimals, rounded half up: 2.5 is 3 (Python's own format gives 2)."""
    units = (value * 10**digits + Fraction(1, 2)) // 1
    return f"{units / 10**digits:,.{digits}f}"


def mean(whole: int | Fraction, count: int) -> str:
    """An average with one decimal, or none from 100 on: 0.4, 32.4, 283."""
    value = Fraction(whole, count)
    return rounded(value, 0 if value >= 100 else 1)


def percent(part: int, whole: int) -> str:
    """A share in whole percent, with one decimal below 10% and above 99%; never rounded to 0% or 100%."""
    share = Fraction(100 * part, whole)
    if part in (0, whole):
        return f"{share}%"
    return f"{rounded(min(max(share, Fraction('0.1')), Fraction('99.9')), 0 if 10 <= share <= 99 else 1)}%"


def number(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun: 1 play, 1,831 plays."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def share(part: int, whole: int, noun: str) -> str:
    """Part of a whole, as a percentage if the whole is large enough: 72% of 8,488 plays, but 5 of 8 plays."""
    if whole < ENOUGH:
        return f"{part:,} of {number(whole, noun)}"
    return f"{percent(part, whole)} of {number(whole, noun)}"


def count_and_share(part: int, whole: int, noun: str) -> str:
    """Part of a whole as counts, with a percentage if the whole is large enough: 401 of 8,488 plays (4.7%)."""
    return f"{part:,} of {number(whole, noun)}" + (f" ({percent(part, whole)})" if whole >= ENOUGH else "")


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: A; A and B; A, B and C."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def day(text: str) -> str:
    """An ISO day in short form: 5 Nov 2018."""
    date = dt.date.fromisoformat(text)
    return f"{date.day} {date:%b %Y}"


def weekday_and_day(text: str) -> str:
    """An ISO day in a sentence: Monday 5 Nov 2018."""
    return f"{dt.date.fromisoformat(text):%A} {day(text)}"


def duration(seconds: int) -> str:
    """A duration in hours and minutes, minutes, or seconds: 7 hours 39 minutes, 12 minutes, 45 seconds."""
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return number(hours, "hour") + (f" {number(minutes, 'minute')}" if minutes else "")
    return number(minutes, "minute") if minutes else number(seconds, "second")
