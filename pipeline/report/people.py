"""Who listens, from where and on what, and how they come to pay."""

from __future__ import annotations

import altair as alt

from pipeline.report import charts
from pipeline.report.listening import LEVELS
from pipeline.report.music import left_out
from pipeline.report.question import Finding, Rows, total
from pipeline.report.theme import colour
from pipeline.report.words import (
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
    "converted": "got to paid",
}
MOST_PARTS = 6


def _top_listeners(rows: Rows) -> str:
    first, tied = rows[0], rows[0]["listeners_with_as_many"]
    others = left_out(rows, "listener", "listeners_with_as_many")
    if tied > MOST_NAMES:
        return f"{tied:,} listeners tie, with {number(first['plays'], 'play')} each.{others}"
    if tied > 1:
        users = listed(f"User {row['user_id']}" if row is first else f"user {row['user_id']}" for row in rows[:tied])
        return f"{users} played most, {number(first['plays'], 'song')} each.{others}"
    return (
        f"User {first['user_id']}, now {LEVELS[first['level']]}, played most: {number(first['plays'], 'song')} on "
        f"{number(first['days'], 'day')}, {duration(round(first['listening_seconds']))} in all.{others}"
    )


def _places(rows: Rows) -> str:
    first, tied, plays = rows[0], rows[0]["places_with_as_many"], rows[0]["plays_of_all_places"]
    unknown = first["plays_of_unknown_place"]
    places = rows[:tied]
    if tied > MOST_NAMES:
        most = f"{tied:,} places tie, with {number(first['plays'], 'play')} each."
    elif tied > 1:
        found = listed(f"{row['location']} (by {number(row['listeners'], 'listener')})" for row in places)
        most = f"Most plays came from {found}, {first['plays']:,} each."
    else:
        came = f"by {number(first['listeners'], 'listener')}"
        most = f"Most plays came from {first['location']}: {count_and_share(first['plays'], plays, 'play')}, {came}."
    nowhere = f" {number(unknown, 'play')} came from an unknown place." if unknown else ""
    return f"{most}{nowhere}{left_out(rows, 'place', 'places_with_as_many')}"


def _browsers(rows: Rows) -> str:
    plays = total(rows, "plays")
    browsers, systems = _leading(rows, "browser"), _leading(rows, "os")
    unnamed = total(rows, "plays", browser=NAMELESS)
    if not browsers:
        return "None of the browsers is known."
    first = f"{share(total(rows, 'plays', browser=browsers[0]), plays, 'play')} came from {_each(browsers)}"
    part = total(rows, "plays", os=systems[0]) if systems else 0
    second = f", and {percent(part, plays) if plays >= ENOUGH else part} from {_each(systems)}." if systems else "."
    rest = f" {number(unnamed, 'play')} came from a browser that is not known." if unnamed else ""
    return f"{first}{second}{rest}"


def _leading(rows: Rows, key: str) -> list[str]:
    """The names with most plays, all of those that tie; an unknown one does not lead."""
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
        return f"One user began on free and has {'' if paid else 'not '}got to paid."
    return (
        f"Of {number(began, 'user')} who began on free, {steps['visited_upgrade']:,} opened the upgrade page, "
        f"{steps['submitted_upgrade']:,} submitted an upgrade and {paid:,} got to paid"
        + (f" ({percent(paid, began)})." if began >= ENOUGH else ".")
    )


def _funnel_chart(rows: Rows) -> alt.LayerChart:
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
        return f"{counts}. No week stands out, with at most {number(most, 'change')} in any."
    if len(busiest) > 1:
        return f"{counts}. The busiest weeks were those of {listed(busiest)}, with {number(most, 'change')} each."
    return f"{counts}. The busiest week was that of {busiest[0]}, with {number(most, 'change')}."


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
    return (
        alt.Chart(charts.data(shown))
        .mark_bar(width={"band": 0.6})
        .encode(
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
                scale=alt.Scale(domain=list(names.values()), range=[charts.LEVELS["paid"], charts.LEVELS["free"]]),
            ),
            tooltip=[
                alt.Tooltip("label:O", title="week of"),
                alt.Tooltip("kind:N", title="change"),
                alt.Tooltip("changes:Q", title="changes", format=","),
            ],
        )
        .properties(width="container", height=200)
    )


def _retention(rows: Rows) -> str:
    second = [row for row in rows if row["week_number"] == 1 and row["is_whole_week"]]
    if not second:
        return "Nobody can be counted yet: the data has no whole week after a week of first plays."
    came, size = total(second, "listener_count"), total(second, "cohort_size")
    back = f"{count_and_share(came, size, 'listener')} came back in the week after their first."
    later = total(rows, "cohort_size", week_number=0) - size
    if not later:
        return back
    verb = "is" if later == 1 else "are"
    return f"{back} {number(later, 'listener')} whose next week is incomplete in the data {verb} left out."


def _retention_chart(rows: Rows) -> alt.LayerChart:
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
            title="weeks since the week of the first play (listeners)",
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
            alt.Tooltip("week_number:O", title="weeks since"),
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
