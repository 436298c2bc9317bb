"""How much is heard, when, and on which level."""

from __future__ import annotations

import datetime as dt

import altair as alt

from pipeline.report import charts
from pipeline.report.question import Question, Rows, Section, number, percent, total
from pipeline.report.theme import colour

WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
SESSION_SIZES = {0: "none", 1: "1", 2: "2 – 5", 6: "6 – 10", 11: "11 – 20", 21: "21 – 50", 51: "over 50"}


def day(text: str) -> str:
    """A day as a reader writes it: Monday 5 November 2018."""
    date = dt.date.fromisoformat(text)
    return f"{date:%A} {date.day} {date:%B %Y}"


def _days(rows: Rows) -> dict[str, int]:
    plays: dict[str, int] = {}
    for row in rows:
        plays[row["date_day"]] = plays.get(row["date_day"], 0) + row["plays"]
    return plays


def _plays_by_day(rows: Rows) -> str:
    days = _days(rows)
    busiest = min(days, key=lambda date: (-days[date], date))
    plays, paid = total(rows, "plays"), total(rows, "plays", level="paid")
    return (
        f"{percent(paid, plays)} of {number(plays, 'play')} were heard on paid; "
        f"the busiest day was {day(busiest)} with {number(days[busiest], 'play')}."
    )


def _listeners_by_day(rows: Rows) -> str:
    peaks = {level: max((r["listeners"] for r in rows if r["level"] == level), default=0) for level in ("free", "paid")}
    return (
        f"At most {number(peaks['free'], 'free listener')} and {number(peaks['paid'], 'paid listener')} "
        "were heard from on one day."
    )


def _levels(rows: Rows) -> str:
    plays, hours = total(rows, "plays"), total(rows, "listening_seconds") / 3600
    by_level = {row["level"]: row for row in rows}
    parts = [
        f"{number(by_level[level]['listeners'], 'listener')} on {level} heard "
        f"{by_level[level]['plays'] / by_level[level]['listeners']:.1f} songs each"
        for level in ("free", "paid")
        if level in by_level
    ]
    return f"{', '.join(parts)}; together {number(plays, 'play')} and {number(hours, 'hour')} of listening."


def _levels_chart(rows: Rows) -> alt.LayerChart:
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
        colours=charts.LEVELS,
    )


def _hours(rows: Rows) -> str:
    plays = total(rows, "plays")
    hours = {hour: total(rows, "plays", hour=hour) for hour in range(24)}
    weekdays = {weekday: total(rows, "plays", weekday=weekday) for weekday in range(7)}
    hour = min(hours, key=lambda h: (-hours[h], h))
    weekday = min(weekdays, key=lambda d: (-weekdays[d], d))
    return (
        f"Most is heard from {hour}:00 to {(hour + 1) % 24}:00 UTC ({percent(hours[hour], plays)} of all plays) "
        f"and on {WEEKDAYS[weekday]}s ({percent(weekdays[weekday], plays)})."
    )


def _hours_chart(rows: Rows) -> alt.LayerChart:
    plays = {(row["weekday"], row["hour"]): row["plays"] for row in rows}
    shown = [
        {"name": WEEKDAYS[weekday], "hour": hour, "plays": plays.get((weekday, hour), 0)}
        for weekday in range(7)
        for hour in range(24)
    ]
    order = [*WEEKDAYS[1:], WEEKDAYS[0]]
    return charts.grid(
        shown,
        x=alt.X(
            "hour:O",
            title="hour of the day (UTC)",
            axis=alt.Axis(labelAngle=0, values=list(range(0, 24, 3))),
        ),
        y=alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelExpr="slice(datum.label, 0, 3)")),
        value="plays",
        unit="plays",
        row_height=34,
        rows_shown=7,
        labels=None,
        tooltip=[alt.Tooltip("name:N", title="weekday"), alt.Tooltip("hour:O")],
    )


def _sessions(rows: Rows) -> str:
    parts = []
    for level in ("free", "paid"):
        heard = [row for row in rows if row["level"] == level and row["plays_from"] > 0]
        if heard:
            mean = total(heard, "plays") / total(heard, "sessions")
            parts.append(f"{mean:.1f} songs on {level}")
    silent = total(rows, "sessions", plays_from=0)
    longest = max(row["most_plays"] for row in rows)
    listened = f"A session in which something is heard has {' and '.join(parts)} on average, at most {longest:,}; "
    return (listened if parts else "") + f"{percent(silent, total(rows, 'sessions'))} of all have none."


def _sessions_chart(rows: Rows) -> alt.Chart:
    shown = [{**row, "size": SESSION_SIZES[row["plays_from"]]} for row in rows]
    levels = [level for level in charts.LEVELS if any(row["level"] == level for row in rows)]
    return (
        alt.Chart(charts.data(shown))
        .mark_bar()
        .encode(
            x=alt.X(
                "size:O",
                sort=list(SESSION_SIZES.values()),
                title="songs heard in the session",
                axis=alt.Axis(labelAngle=0, labelColor=colour("ink"), labelFontSize=11),
            ),
            y=alt.Y("sessions:Q", title="sessions", axis=charts.count_axis()),
            color=alt.Color(
                "level:N", sort=levels, scale=alt.Scale(domain=levels, range=[charts.LEVELS[name] for name in levels])
            ),
            tooltip=[
                alt.Tooltip("size:O", title="songs"),
                alt.Tooltip("level:N"),
                alt.Tooltip("sessions:Q", format=","),
                alt.Tooltip("plays:Q", format=","),
            ],
        )
        .properties(width="container", height=260)
    )


SECTION = Section(
    "listening",
    "How much is heard, and when",
    (
        Question(
            "plays_by_day",
            "How many songs are played each day, on free and on paid?",
            "daily_listening",
            "Bars of plays by day, free and paid in two colours.",
            _plays_by_day,
            lambda rows: charts.by_level(rows, value="plays", title="plays", stacked=True),
        ),
        Question(
            "listeners_by_day",
            "How many people listen each day?",
            "daily_listening",
            "Lines of distinct listeners by day, one for free and one for paid.",
            _listeners_by_day,
            lambda rows: charts.by_level(rows, value="listeners", title="listeners", stacked=False),
        ),
        Question(
            "levels",
            "What do free and paid listeners hear?",
            "daily_listening",
            "One bar of plays for each level.",
            _levels,
            _levels_chart,
        ),
        Question(
            "hours",
            "At which hours and on which weekdays?",
            "hourly_plays",
            "A grid of seven weekdays by 24 hours, darker where more is played.",
            _hours,
            _hours_chart,
        ),
        Question(
            "sessions",
            "How long are sessions?",
            "sessions",
            "Bars of sessions by the number of songs heard in them, free and paid in two colours.",
            _sessions,
            _sessions_chart,
        ),
    ),
)
