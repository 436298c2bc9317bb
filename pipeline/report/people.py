"""Who listens, from where and on what, and how they come to pay."""

from __future__ import annotations

import altair as alt

from pipeline.report import charts
from pipeline.report.question import Question, Rows, Section, number, percent, total
from pipeline.report.theme import colour

STEPS = {
    "began_free": "began on free",
    "played": "played a song",
    "visited_upgrade": "opened the upgrade page",
    "submitted_upgrade": "submitted the upgrade",
    "became_paid": "listened on paid",
}
MOST_PARTS = 6


def _top_listeners(rows: Rows) -> str:
    first = rows[0]
    return (
        f"User {first['user_id']}, now on {first['level']}, heard most: {number(first['plays'], 'play')} on "
        f"{number(first['days'], 'day')}, {number(first['listening_seconds'] / 3600, 'hour')} of listening."
    )


def _places(rows: Rows) -> str:
    first = rows[0]
    return (
        f"Most is heard in {first['location']}: {number(first['plays'], 'play')} by "
        f"{number(first['listeners'], 'listener')}."
    )


def _browsers(rows: Rows) -> str:
    plays = total(rows, "plays")
    browser = charts.by_total(rows, "browser", "plays")[0]
    system = charts.by_total(rows, "os", "plays")[0]
    return (
        f"{browser} plays {percent(total(rows, 'plays', browser=browser), plays)} of all songs, "
        f"and {system} is the system of {percent(total(rows, 'plays', os=system), plays)}."
    )


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
    return (
        f"Of {number(steps['began_free'], 'user')} who began on free, {number(steps['visited_upgrade'], 'user')} "
        f"played and opened the upgrade page, and {steps['became_paid']:,} "
        f"({percent(steps['became_paid'], steps['began_free'])}) went all the way to paid."
    )


def _funnel_chart(rows: Rows) -> alt.LayerChart:
    steps = [{"step": words, "users": rows[0][name]} for name, words in STEPS.items()]
    return charts.ranking(steps, label="step", value="users", unit="users")


def _level_changes(rows: Rows) -> str:
    up, down = total(rows, "changes", to_level="paid"), total(rows, "changes", to_level="free")
    return f"There were {number(up, 'upgrade')} to paid and {number(down, 'downgrade')} to free."


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
                title="users",
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
                alt.Tooltip("changes:Q", title="users", format=","),
            ],
        )
        .properties(width="container", height=200)
    )


def _retention(rows: Rows) -> str:
    second = [row for row in rows if row["week_number"] == 1]
    if not second:
        return f"All {number(total(rows, 'cohort_size', week_number=0), 'listener')} were first heard in the same week."
    came, size = total(second, "listener_count"), total(second, "cohort_size")
    return (
        f"{came:,} of {number(size, 'listener')} whose next week is in the data ({percent(came, size)}) "
        "listened in the week after their first, too."
    )


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


SECTION = Section(
    "people",
    "Who listens, and on what",
    (
        Question(
            "top_listeners",
            "Who listens most?",
            "daily_listening",
            "Bars of plays of the ten users who heard most.",
            _top_listeners,
            lambda rows: charts.ranking(
                [{**row, "listener": f"User {row['user_id']} · {row['level']}"} for row in rows],
                label="listener",
                value="plays",
                unit="plays",
                details=[alt.Tooltip("days:Q", title="days with plays")],
            ),
        ),
        Question(
            "places",
            "Where do people listen?",
            "daily_listening",
            "Bars of plays in the ten places with most of them.",
            _places,
            lambda rows: charts.ranking(
                rows,
                label="location",
                value="plays",
                unit="plays",
                details=[alt.Tooltip("listeners:Q", format=",")],
            ),
        ),
        Question(
            "browsers",
            "On which browsers and systems?",
            "user_agents",
            "Bars of plays by browser, in the colours of the systems.",
            _browsers,
            _browsers_chart,
        ),
    ),
)

PAYING = Section(
    "paying",
    "How listeners come to pay, and come back",
    (
        Question(
            "funnel",
            "How many of those who begin on free get to paid?",
            "user_journeys",
            "Bars of users for five steps from free to paid, each counted among those of the step before.",
            _funnel,
            _funnel_chart,
        ),
        Question(
            "level_changes",
            "When do users change their level?",
            "user_levels",
            "Bars by week: upgrades upwards, downgrades downwards.",
            _level_changes,
            _level_changes_chart,
        ),
        Question(
            "retention",
            "Do listeners come back?",
            "weekly_retention",
            "A grid of the weeks of first plays by weeks since, darker where more of them listened.",
            _retention,
            _retention_chart,
        ),
    ),
)
