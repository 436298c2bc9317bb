"""Who listens, where and in which browser; who starts to pay, and who comes back."""

from __future__ import annotations

import altair as alt

from pipeline.site.report import charts
from pipeline.site.report.music import left_out
from pipeline.site.report.question import Finding, Rows, total
from pipeline.site.report.theme import LEVELS, colour
from pipeline.site.report.words import (
    ENOUGH,
    MOST_NAMES,
    NAMELESS,
    count_and_share,
    day,
    duration,
    listed,
    number,
    percent,
    share,
)

STEPS = {
    "began_free": "began on free",
    "played": "played a song",
    "visited_upgrade": "opened the upgrade page",
    "submitted_upgrade": "submitted an upgrade",
    "converted": "moved to paid",
}
MOST_PARTS = 6


def _top_listeners(rows: Rows) -> str:
    first, tied = rows[0], rows[0]["listeners_with_as_many"]
    others = left_out(rows, "listener", "listeners_with_as_many")
    if tied > MOST_NAMES:
        return f"{tied:,} listeners tie, with {number(first['plays'], 'play')} each.{others}"
    if tied > 1:
        users = listed(f"User {row['user_id']}" if row is first else f"user {row['user_id']}" for row in rows[:tied])
        return f"{users} played the most, {number(first['plays'], 'song')} each.{others}"
    level = "of unknown level" if first["level"] == "unknown" else f"now on {first['level']}"
    return (
        f"User {first['user_id']} ({level}) played the most: {number(first['plays'], 'song')} on "
        f"{number(first['days'], 'day')}, {duration(round(first['listening_seconds']))} in all.{others}"
    )


def _places(rows: Rows) -> str:
    first, tied, plays = rows[0], rows[0]["places_with_as_many"], rows[0]["plays_of_all_places"]
    unknown = first["plays_of_unknown_place"]
    places = rows[:tied]
    if tied > MOST_NAMES:
        most = f"{tied:,} places tie, with {number(first['plays'], 'play')} each."
    elif tied > 1:
        found = listed(f"{row['location']} ({number(row['listeners'], 'listener')})" for row in places)
        most = f"The leading places were {found}, with {number(first['plays'], 'play')} each."
    else:
        of_all = count_and_share(first["plays"], plays, "play")
        listeners = number(first["listeners"], "listener")
        most = f"The leading place was {first['location']}, with {of_all} by {listeners}."
    nowhere = f" The place of {number(unknown, 'play')} is unknown." if unknown else ""
    return f"{most}{nowhere}{left_out(rows, 'place', 'places_with_as_many')}"


def _browsers(rows: Rows) -> str:
    plays = total(rows, "plays")
    browsers, systems = _leading(rows, "browser"), _leading(rows, "os")
    unnamed = total(rows, "plays", browser=NAMELESS)
    if not browsers:
        return "No play came from a known browser."
    first = f"{share(total(rows, 'plays', browser=browsers[0]), plays, 'play')} came from {_each(browsers)}"
    part = total(rows, "plays", os=systems[0]) if systems else 0
    second = f", and {percent(part, plays) if plays >= ENOUGH else part} from {_each(systems)}." if systems else "."
    rest = f" The browser of {number(unnamed, 'play')} is unknown." if unnamed else ""
    return f"{first}{second}{rest}"


def _leading(rows: Rows, key: str) -> list[str]:
    """All names that tie for the most plays; unknown ones are left out."""
    plays = {row[key]: total(rows, "plays", **{key: row[key]}) for row in rows if row[key] != NAMELESS}
    return sorted(name for name in plays if plays[name] == max(plays.values()))


def _each(names: list[str]) -> str:
    return f"each of {listed(names)}" if len(names) > 1 else names[0]


def _browsers_chart(rows: Rows) -> alt.Chart:
    systems = charts.by_total(rows, "os", "plays")
    kept = systems if len(systems) <= MOST_PARTS else systems[: MOST_PARTS - 1]
    browsers = charts.by_total(rows, "browser", "plays")[:10]
    shown = [
        {**row, "os": row["os"] if row["os"] in kept else "other systems"} for row in rows if row["browser"] in browsers
    ]
    return charts.stacked_bars(shown, label="browser", value="plays", part="os", title="plays")


def _funnel(rows: Rows) -> str:
    steps = rows[0]
    began, paid = steps["began_free"], steps["converted"]
    if began == 1:
        return f"One user began on free and has {'' if paid else 'not '}moved to paid."
    return (
        f"Of {number(began, 'user')} who began on free, {steps['visited_upgrade']:,} opened the upgrade page, "
        f"{steps['submitted_upgrade']:,} submitted an upgrade and {paid:,} moved to paid"
        + (f" ({percent(paid, began)})." if began >= ENOUGH else ".")
    )


def _funnel_chart(rows: Rows) -> alt.TopLevelMixin:
    steps = [{"step": words, "users": rows[0][name]} for name, words in STEPS.items()]
    return charts.ranking(steps, label="step", value="users", unit="users")


def _level_changes(rows: Rows) -> str:
    up, down = total(rows, "changes", to_level="paid"), total(rows, "changes", to_level="free")
    counts = listed([number(up, "upgrade"), number(down, "downgrade") if down else "no downgrades"])
    counts = counts if up else f"No upgrades and {number(down, 'downgrade')}"
    weeks = {row["week_start"]: total(rows, "changes", week_start=row["week_start"]) for row in rows}
    most = max(weeks.values())
    busiest = [day(week) for week in sorted(weeks) if weeks[week] == most]
    if len(weeks) == 1:
        return f"{counts}, {'all ' if up + down > 1 else ''}in the week of {busiest[0]}."
    if most == 1 or len(busiest) > MOST_NAMES:
        return f"{counts}. No week stands out: the most in one week was {number(most, 'change')}."
    if len(busiest) > 1:
        return f"{counts}. The busiest were the weeks of {listed(busiest)}, with {number(most, 'change')} each."
    return f"{counts}. The busiest was the week of {busiest[0]}, with {number(most, 'change')}."


def _level_changes_chart(rows: Rows) -> alt.Chart:
    names = {"paid": "upgrades", "free": "downgrades"}
    weeks = charts.axis_days(charts.weeks_between([row["week_start"] for row in rows]))
    greatest = max(row["changes"] for row in rows)
    shown = [
        {
            **row,
            "kind": names[row["to_level"]],
            "label": weeks[row["week_start"]],
            "signed": row["changes"] if row["to_level"] == "paid" else -row["changes"],
        }
        for row in rows
    ]
    bars: alt.Chart = alt.Chart(charts.data(shown)).mark_bar(width={"band": 0.6})
    return bars.encode(
        x=alt.X(
            "label:O",
            scale=alt.Scale(domain=list(weeks.values())),
            sort=None,
            title="week of",
            axis=alt.Axis(labelAngle=0, labelOverlap=True, offset=12),
        ),
        y=alt.Y(
            "signed:Q",
            title="changes",
            scale=alt.Scale(domain=[-greatest, greatest]),
            axis=alt.Axis(values=[-greatest, 0, greatest], labelExpr="format(abs(datum.value), ',')"),
        ),
        color=alt.Color(
            "kind:N",
            sort=list(names.values()),
            scale=alt.Scale(domain=list(names.values()), range=[LEVELS["paid"], LEVELS["free"]]),
        ),
        tooltip=[
            alt.Tooltip("label:O", title="week of"),
            alt.Tooltip("kind:N", title="change"),
            alt.Tooltip("changes:Q", title="changes", format=","),
        ],
    ).properties(width="container", height=200)


def _retention(rows: Rows) -> str:
    second = [row for row in rows if row["week_number"] == 1 and row["is_whole_week"]]
    if not second:
        return "Retention cannot be measured yet: the data has no whole week after a week of first plays."
    came, size = total(second, "listener_count"), total(second, "cohort_size")
    back = f"{count_and_share(came, size, 'listener')} came back the week after their first."
    later = total(rows, "cohort_size", week_number=0) - size
    if not later:
        return back
    others = "more listener is" if later == 1 else "more listeners are"
    return f"{back} {later:,} {others} left out, as their next week is incomplete."


def _retention_chart(rows: Rows) -> alt.TopLevelMixin:
    weeks_of = charts.axis_days([row["cohort_week"] for row in rows])
    shown = [
        {
            **row,
            "share": row["listener_count"] / row["cohort_size"],
            "cohort": f"{weeks_of[row['cohort_week']]} ({row['cohort_size']:,})",
        }
        for row in rows
    ]
    cohorts = list(dict.fromkeys(row["cohort"] for row in shown))
    weeks = len({row["week_number"] for row in rows})
    return charts.grid(
        shown,
        x=alt.X(
            "week_number:O",
            title="weeks since the first play (listeners in brackets)",
            axis=alt.Axis(orient="top", labelAngle=0, labelOverlap=True),
        ),
        y=alt.Y("cohort:N", sort=cohorts, title=None, axis=alt.Axis(labelColor=colour("ink"))),
        value="share",
        unit="share",
        row_height=34 if len(cohorts) <= 16 else 16,
        rows_shown=len(cohorts),
        labels=".0%" if weeks <= 12 else None,
        tooltip=[
            alt.Tooltip("cohort:N", title="first play in the week of"),
            alt.Tooltip("week_number:O", title="weeks since first play"),
            alt.Tooltip("listener_count:Q", title="listeners", format=","),
        ],
    )


FINDINGS = {
    "top_listeners": Finding(
        _top_listeners,
        lambda rows: charts.ranking(
            [{**row, "listener": f"User {row['user_id']} · {row['level']}"} for row in rows],
            label="listener",
            value="plays",
            unit="plays",
            details=[alt.Tooltip("days:Q", title="days with plays")],
        ),
    ),
    "places": Finding(
        _places,
        lambda rows: charts.ranking(
            rows,
            label="location",
            value="plays",
            unit="plays",
            details=[alt.Tooltip("listeners:Q", format=",")],
        ),
    ),
    "browsers": Finding(_browsers, _browsers_chart),
    "funnel": Finding(_funnel, _funnel_chart),
    "level_changes": Finding(_level_changes, _level_changes_chart),
    "retention": Finding(_retention, _retention_chart),
}
