"""How much people listen, when, and on which level."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import altair as alt

from pipeline.site.report import charts, theme
from pipeline.site.report.question import Finding, Rows, total
from pipeline.site.report.words import (
    ENOUGH,
    ENOUGH_DAYS,
    MOST_NAMES,
    listed,
    mean,
    number,
    percent,
    weekday_and_day,
)

WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
LEVELS = ("paid", "free", "unknown")


@dataclass(frozen=True)
class _Days:
    """A quantity by day: its average over whole days (empty if there are none), and the days with the most of it."""

    average: str
    most: int
    busiest: list[str]

    @classmethod
    def of(cls, rows: Rows, value: str) -> _Days:
        days = {row["date_day"]: total(rows, value, date_day=row["date_day"]) for row in rows}
        whole = {row["date_day"] for row in rows if row["is_whole_day"]}
        most = max(days.values())
        return cls(
            mean(sum(days[date] for date in whole), len(whole)) if whole else "",
            most,
            [weekday_and_day(date) for date in days if days[date] == most],
        )


def _plays_by_day(rows: Rows) -> str:
    days, plays = _Days.of(rows, "plays"), total(rows, "plays")
    if plays == 1:
        level = next(row["level"] for row in rows if row["plays"])
        return f"There was 1 play, by {_listeners(1, level)}, on {days.busiest[0]}."
    paid = total(rows, "plays", level="paid")
    paid_part = percent(paid, plays) if plays >= ENOUGH else f"{paid}"
    first = f"There were {number(plays, 'play')}, {paid_part} of them by paid listeners"
    if days.most == plays:
        return f"{first}, all on {days.busiest[0]}."
    if len(days.busiest) > MOST_NAMES:
        peak = f"{len(days.busiest)} busiest days had {days.most:,} each."
    elif len(days.busiest) > 1:
        peak = f"busiest days, {listed(days.busiest)}, had {days.most:,} each."
    else:
        peak = f"busiest day, {days.busiest[0]}, had {days.most:,}."
    return f"{first}. " + (f"The average day had {days.average}; the {peak}" if days.average else f"The {peak}")


def _listeners_by_day(rows: Rows) -> str:
    days = _Days.of(list({row["date_day"]: row for row in rows}.values()), "listeners_of_all_levels")
    on = listed(days.busiest) if len(days.busiest) <= MOST_NAMES else f"each of {len(days.busiest)} days"
    if not days.average:
        return f"The most on one day was {number(days.most, 'listener')}, on {on}."
    return f"The average day had {days.average} listeners; the most on one day was {days.most:,}, on {on}."


def _levels(rows: Rows) -> str:
    parts = [
        f"{_listeners(row['listeners'], row['level'])} made {number(row['plays'], 'play')}"
        + (f" ({mean(row['plays'], row['listeners'])} each)" if row["listeners"] > 1 else "")
        for row in sorted(rows, key=lambda row: LEVELS.index(row["level"]))
    ]
    everyone = rows[0]["listeners_of_all_levels"]
    twice = total(rows, "listeners") - everyone
    if not twice:
        return f"{'; '.join(parts)}."
    if len(rows) > 2:
        why = "those who played on several levels are counted in each"
    else:
        why = f"{twice:,} played on both levels and {'is' if twice == 1 else 'are'} counted in each"
    return (
        f"{'; '.join(parts)}. There {'was' if everyone == 1 else 'were'} {number(everyone, 'listener')} in all; {why}."
    )


def _listeners(count: int, level: str) -> str:
    """Listeners of a level: 1 paid listener, 12 listeners of unknown level."""
    if level == "unknown":
        return f"{number(count, 'listener')} of unknown level"
    return number(count, f"{level} listener")


def _levels_chart(rows: Rows) -> alt.TopLevelMixin:
    shown = [{**row, "plays_each": round(row["plays"] / row["listeners"], 1)} for row in rows]
    return charts.ranking(
        sorted(shown, key=lambda row: -row["plays"]),
        label="level",
        value="plays",
        unit="plays",
        details=[
            alt.Tooltip("listeners:Q", format=","),
            alt.Tooltip("plays_each:Q", title="plays per listener", format=",.1f"),
        ],
        colours=theme.LEVELS,
    )


def _hours(rows: Rows) -> str:
    plays = total(rows, "plays")
    if plays < ENOUGH:
        return f"Too few plays to say: {plays:,} on whole days, and at least {ENOUGH} are needed."
    hours = {hour: total(rows, "plays", hour=hour) for hour in range(24)}
    most = max(hours.values())
    busiest = [f"{hour}:00 to {(hour + 1) % 24}:00" for hour in hours if hours[hour] == most]
    if len(busiest) > MOST_NAMES:
        first = f"No hour stands out: {len(busiest)} hours had {percent(most, plays)} of plays each."
    elif len(busiest) > 1:
        first = f"The busiest hours were {listed(busiest)} UTC, with {percent(most, plays)} of plays each."
    else:
        first = f"The busiest hour was {busiest[0]} UTC, with {percent(most, plays)} of plays."
    return f"{first} {_weekdays(rows)}"


def _weekdays(rows: Rows) -> str:
    days = {row["weekday"]: row["days"] for row in rows}
    if len(days) < 7 or min(days.values()) < ENOUGH_DAYS:
        there = number(sum(days.values()), "whole day")
        return (
            f"Weekdays cannot be compared yet: at least {ENOUGH_DAYS} whole days of each are needed, and the data has "
            f"{there} in all."
        )
    means = {weekday: Fraction(total(rows, "plays", weekday=weekday), days[weekday]) for weekday in days}
    most, least = max(means.values()), min(means.values())
    if most == least:
        return f"All weekdays had {mean(most, 1)} plays a day on average."

    def named(value: Fraction) -> str:
        return listed(f"{WEEKDAYS[weekday]}s" for weekday in means if means[weekday] == value)

    return (
        f"{named(most)} were busiest, with {mean(most, 1)} plays a day on average; "
        f"{named(least)} were quietest, with {mean(least, 1)}."
    )


def _hours_chart(rows: Rows) -> alt.TopLevelMixin:
    plays = {(row["weekday"], row["hour"]): row["plays"] for row in rows}
    days = {row["weekday"]: row["days"] for row in rows}
    shown = [
        {
            "name": WEEKDAYS[weekday],
            "hour": hour,
            "days": days[weekday],
            "plays": plays.get((weekday, hour), 0) / days[weekday],
        }
        for weekday in days
        for hour in range(24)
    ]
    order = [WEEKDAYS[weekday] for weekday in (1, 2, 3, 4, 5, 6, 0) if weekday in days]
    return charts.grid(
        shown,
        x=alt.X("hour:O", title="hour of the day (UTC)", axis=alt.Axis(labelAngle=0, values=list(range(0, 24, 3)))),
        y=alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelExpr="slice(datum.label, 0, 3)")),
        value="plays",
        unit="plays a day",
        row_height=34,
        rows_shown=len(order),
        labels=None,
        tooltip=[
            alt.Tooltip("name:N", title="weekday"),
            alt.Tooltip("hour:O"),
            alt.Tooltip("days:Q", title="whole days"),
        ],
        tooltip_format=",.1f",
    )


FINDINGS = {
    "plays_by_day": Finding(
        _plays_by_day, lambda rows: charts.by_level(rows, value="plays", title="plays", stacked=True)
    ),
    "listeners_by_day": Finding(
        _listeners_by_day, lambda rows: charts.by_level(rows, value="listeners", title="listeners", stacked=False)
    ),
    "levels": Finding(_levels, _levels_chart),
    "hours": Finding(_hours, _hours_chart),
}
