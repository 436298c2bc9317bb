"""How long sessions last, in minutes and in songs."""

from __future__ import annotations

from fractions import Fraction

import altair as alt

from pipeline.site.report import charts
from pipeline.site.report.question import Finding, Rows, total
from pipeline.site.report.theme import LEVELS, colour
from pipeline.site.report.words import count_and_share, duration, mean, number

LENGTHS = {0: "under 1", 1: "1–5", 5: "5–15", 15: "15–30", 30: "30–60", 60: "60–120", 120: "120+"}
SIZES = {0: "none", 1: "1", 2: "2–5", 6: "6–10", 11: "11–20", 21: "21–50", 51: "51+"}


def _by_level(rows: Rows, value: str, unit: int = 1) -> str:
    """The average per session of each level, if there are two, to append to the overall one: (free 15.3, paid 62.9)."""
    parts = [
        f"{level} {mean(Fraction(total(rows, value, level=level), unit), total(rows, 'sessions', level=level))}"
        for level in ("free", "paid")
        if total(rows, "sessions", level=level)
    ]
    return f" ({', '.join(parts)})" if len(parts) > 1 else ""


def _session_lengths(rows: Rows) -> str:
    sessions, longest = total(rows, "sessions"), max(row["most_seconds"] for row in rows)
    single = total(rows, "single_event_sessions")
    of_all = count_and_share(single, sessions, "session")
    if sessions == 1:
        return f"The only session {'had a single event' if single else f'lasted {duration(longest)}'}."
    if not longest:
        return f"No session lasted as long as a second. {of_all} had a single event."
    minutes = f"{mean(Fraction(total(rows, 'duration_seconds'), 60), sessions)} minutes on average"
    by_level = _by_level(rows, "duration_seconds", 60)
    counts = "counts" if single == 1 else "count"
    ending = f" {of_all} had a single event and {counts} as 0 minutes." if single else ""
    return f"Sessions lasted {minutes}{by_level}. The longest lasted {duration(longest)}.{ending}"


def _session_plays(rows: Rows) -> str:
    heard = [row for row in rows if row["plays_from"] > 0]
    sessions = total(rows, "sessions")
    silent = total(rows, "sessions", plays_from=0)
    most = max(row["most_plays"] for row in rows)
    if sessions == 1:
        return f"The only session had {number(most, 'play') if most else 'no plays'}."
    if not heard:
        return f"None of the {sessions:,} sessions had any plays."
    plays, with_plays = total(heard, "plays"), total(heard, "sessions")
    average = f"{mean(plays, with_plays)} plays on average{_by_level(heard, 'plays')}"
    means = f"{average}. The most in one session was {most:,}."
    if not silent:
        return f"Every session had plays: {means}"
    return f"Sessions with plays had {means} {count_and_share(silent, sessions, 'session')} had none."


def _bars(rows: Rows, key: str, names: dict[int, str], title: str) -> alt.Chart:
    shown = [{**row, "size": names[row[key]]} for row in rows]
    levels = [level for level in LEVELS if any(row["level"] == level for row in rows)]
    bars: alt.Chart = alt.Chart(charts.data(shown)).mark_bar()
    return bars.encode(
        x=alt.X(
            "size:O",
            sort=list(names.values()),
            title=title,
            axis=alt.Axis(labelAngle=0, labelColor=colour("ink"), labelFontSize=11),
        ),
        y=alt.Y("sessions:Q", title="sessions", axis=charts.count_axis()),
        color=alt.Color(
            "level:N", sort=levels, scale=alt.Scale(domain=levels, range=[LEVELS[name] for name in levels])
        ),
        tooltip=[
            alt.Tooltip("size:O", title=title),
            alt.Tooltip("level:N"),
            alt.Tooltip("sessions:Q", format=","),
        ],
    ).properties(width="container", height=260)


FINDINGS = {
    "session_lengths": Finding(_session_lengths, lambda rows: _bars(rows, "minutes_from", LENGTHS, "minutes")),
    "session_plays": Finding(_session_plays, lambda rows: _bars(rows, "plays_from", SIZES, "plays in the session")),
}
