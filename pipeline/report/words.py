"""How the findings put numbers, days and names into words, and from how many on they speak of shares at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from fractions import Fraction

ENOUGH = 30  # plays, sessions or users below which a share says little, so that only the counts are given
ENOUGH_IN_A_WEEK = 10  # plays of one song or artist in a week below which a rise is chance
ENOUGH_DAYS = 2  # whole days of each weekday without which weekdays are not compared
MOST_NAMES = 3  # beyond which those that tie are counted, not named
NAMELESS = "Other"  # what user_agents has of an agent that is not recognised, or not given


def rounded(value: int | Fraction, digits: int = 0) -> str:
    """A number that is not negative with so many decimals, half up: 2.5 is 3, where Python's own format gives 2."""
    units = (value * 10**digits + Fraction(1, 2)) // 1
    return f"{units / 10**digits:,.{digits}f}"


def mean(whole: int | Fraction, count: int) -> str:
    """A mean with one decimal, without it from 100 on: 0.4, 32.4, 283."""
    value = Fraction(whole, count)
    return rounded(value, 0 if value >= 100 else 1)


def percent(part: int, whole: int) -> str:
    """A share in whole percent; one decimal below 10% and above 99%, and nothing is rounded to none or to all."""
    share = Fraction(100 * part, whole)
    if part in (0, whole):
        return f"{share}%"
    return f"{rounded(min(max(share, Fraction('0.1')), Fraction('99.9')), 0 if 10 <= share <= 99 else 1)}%"


def number(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun: 1 play, 1,831 plays."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def share(part: int, whole: int, noun: str) -> str:
    """Part of a whole, as a share where it is of enough: 72% of 8,488 plays, but 5 of 8 plays."""
    if whole < ENOUGH:
        return f"{part:,} of {number(whole, noun)}"
    return f"{percent(part, whole)} of {number(whole, noun)}"


def count_and_share(part: int, whole: int, noun: str) -> str:
    """Part of a whole, counted: 401 of 8,488 plays (4.7%), but 5 of 8 plays."""
    return f"{part:,} of {number(whole, noun)}" + (f" ({percent(part, whole)})" if whole >= ENOUGH else "")


def listed(names: Iterable[str]) -> str:
    """Names as a sentence has them: A; A and B; A, B and C."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def day(text: str) -> str:
    """An ISO day as there is room for it on an axis: 5 Nov 2018."""
    date = dt.date.fromisoformat(text)
    return f"{date.day} {date:%b %Y}"


def weekday_and_day(text: str) -> str:
    """An ISO day in a sentence: Monday 5 Nov 2018."""
    return f"{dt.date.fromisoformat(text):%A} {day(text)}"


def duration(seconds: int) -> str:
    """A length of time in its two greatest units: 7 hours 39 minutes, 12 minutes, 45 seconds."""
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return number(hours, "hour") + (f" {number(minutes, 'minute')}" if minutes else "")
    return number(minutes, "minute") if minutes else number(seconds, "second")
