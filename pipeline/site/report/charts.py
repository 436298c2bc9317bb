"""The kinds of charts in the report. Charts are as wide as the page; all take rows as plain dictionaries."""

from __future__ import annotations

import datetime as dt

import altair as alt

from pipeline.site.report.question import Rows
from pipeline.site.report.theme import LEVELS, SYSTEMS, colour
from pipeline.site.report.words import day

MOST_BARS = 92  # with more days, bars would be thinner than the gaps between them
LABEL_HEIGHT = 42
LABELLED_OPACITY = 0.6  # the darkest cell on which text is readable, on light and dark backgrounds


def data(rows: Rows) -> alt.Data:
    return alt.Data(values=rows)


def ranking(
    rows: Rows,
    *,
    label: str,
    value: str,
    unit: str,
    details: list[alt.Tooltip] | None = None,
    colours: dict[str, str] | None = None,
) -> alt.TopLevelMixin:
    """Horizontal bars, longest first, each with its name above it, so that long names need no axis."""
    ranked = [{**row, "rank": rank} for rank, row in enumerate(rows)]
    greatest = max(row[value] for row in rows)
    base = alt.Chart(data(ranked)).encode(
        y=alt.Y("rank:O", axis=None),
        tooltip=[
            alt.Tooltip(f"{label}:N", title=" "),
            alt.Tooltip(f"{value}:Q", title=unit, format=","),
            *(details or []),
        ],
    )
    length = alt.X(f"{value}:Q", axis=None, scale=alt.Scale(domain=[0, greatest * 1.2]))
    bars = base.mark_bar(height=10, yOffset=9, y2Offset=9, cornerRadiusEnd=3).encode(x=length)
    if colours:
        scale = alt.Scale(domain=list(colours), range=list(colours.values()))
        bars = bars.encode(color=alt.Color(f"{label}:N", scale=scale, legend=None))
    names = base.mark_text(align="left", baseline="middle", dy=-7, limit=560).encode(
        x=alt.value(0), text=alt.Text(f"{label}:N")
    )
    values = base.mark_text(align="left", dx=6, dy=9, color=colour("muted"), fontSize=12).encode(
        x=length, text=alt.Text(f"{value}:Q", format=",")
    )
    return alt.layer(bars, names, values).properties(width="container", height=LABEL_HEIGHT * len(rows))


def count_axis() -> alt.Axis:
    """An axis of counts: 0, 500, 1k, 1.5k."""
    return alt.Axis(tickCount=5, tickMinStep=1, labelExpr="datum.value ? format(abs(datum.value), '~s') : '0'")


def by_level(rows: Rows, *, value: str, title: str, stacked: bool) -> alt.Chart:
    """A quantity by day, one colour per level: stacked bars (areas for many days), or lines if it does not add up."""
    present = [level for level in LEVELS if any(row["level"] == level for row in rows)]
    days = len({row["date_day"] for row in rows})
    chart = alt.Chart(data(rows))
    marked: alt.Chart
    if not stacked:
        marked = chart.mark_line(point=alt.OverlayMarkDef(size=30) if days <= MOST_BARS else False)
    elif days <= MOST_BARS:
        marked = chart.mark_bar()
    else:
        marked = chart.mark_area()
    return marked.encode(
        x=alt.X(
            "date_day:T",
            timeUnit="utcyearmonthdate",
            title=None,
            axis=alt.Axis(
                format="%-d %b" if days <= MOST_BARS else "%b %Y",
                grid=False,
                labelOverlap=True,
                labelFlush=True,
                tickCount=8,
            ),
        ),
        y=alt.Y(f"{value}:Q", title=title, stack="zero" if stacked else None, axis=count_axis()),
        color=alt.Color(
            "level:N", scale=alt.Scale(domain=present, range=[LEVELS[level] for level in present]), sort=present
        ),
        tooltip=[
            alt.Tooltip("date_day:T", timeUnit="utcyearmonthdate", title="day", format="%a %-d %b %Y"),
            alt.Tooltip("level:N"),
            alt.Tooltip(f"{value}:Q", title=title, format=","),
        ],
    ).properties(width="container", height=260)


def grid(
    rows: Rows,
    *,
    x: alt.X,
    y: alt.Y,
    value: str,
    unit: str,
    row_height: int,
    rows_shown: int,
    labels: str | None = ",",
    tooltip: list[alt.Tooltip] | None = None,
    tooltip_format: str = "",
) -> alt.TopLevelMixin:
    """A heat map, darker for larger values. labels: the format of the numbers in the cells, or None for no numbers."""
    greatest = max(row[value] for row in rows) or 1
    darkest = LABELLED_OPACITY if labels else 1
    base = alt.Chart(data(rows)).encode(
        x=x,
        y=y,
        tooltip=[*(tooltip or []), alt.Tooltip(f"{value}:Q", title=unit, format=tooltip_format or labels or ",")],
    )
    cells = base.mark_rect(color=colour("blue"), cornerRadius=3, stroke=colour("paper"), strokeWidth=2).encode(
        opacity=alt.Opacity(f"{value}:Q", scale=alt.Scale(domain=[0, greatest], range=[0.05, darkest]), legend=None)
    )
    layers = [cells]
    if labels:
        layers.append(base.mark_text(fontSize=12).encode(text=alt.Text(f"{value}:Q", format=labels)))
    return alt.layer(*layers).properties(width="container", height=row_height * rows_shown)


def stacked_bars(rows: Rows, *, label: str, value: str, part: str, title: str) -> alt.Chart:
    """Horizontal stacked bars for a few names, longest first; parts are in the order of their totals."""
    names = by_total(rows, label, value)
    parts = by_total(rows, part, value)
    bars: alt.Chart = alt.Chart(data([{**row, "part_rank": parts.index(row[part])} for row in rows])).mark_bar(
        height={"band": 0.72}
    )
    return bars.encode(
        x=alt.X(f"{value}:Q", title=title, axis=count_axis()),
        y=alt.Y(f"{label}:N", sort=names, title=None, axis=alt.Axis(labelColor=colour("ink"), labelFontSize=13)),
        color=alt.Color(
            f"{part}:N",
            sort=parts,
            scale=alt.Scale(domain=parts, range=SYSTEMS),
            legend=alt.Legend(columns=3, symbolLimit=12),
        ),
        order=alt.Order("part_rank:Q"),
        tooltip=[alt.Tooltip(f"{label}:N"), alt.Tooltip(f"{part}:N"), alt.Tooltip(f"{value}:Q", format=",")],
    ).properties(width="container", height=34 * len(names))


def by_total(rows: Rows, name: str, value: str) -> list[str]:
    """The values of a column, in descending order of their sums."""
    totals: dict[str, float] = {}
    for row in rows:
        totals[row[name]] = totals.get(row[name], 0) + row[value]
    return sorted(totals, key=lambda key: (-totals[key], key))


def axis_days(days: list[str]) -> dict[str, str]:
    """Labels of days for an axis, in order, with the year if they are in several years."""
    ordered = sorted(set(days))
    years = {date[:4] for date in ordered}
    return {date: day(date) if len(years) > 1 else day(date)[:-5] for date in ordered}


def distinct(names: list[str]) -> list[str]:
    """The names, with a number added to duplicates: an axis shows each name only once."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    count: dict[str, int] = {}
    shown = []
    for name in names:
        count[name] = count.get(name, 0) + 1
        shown.append(f"{name} ({count[name]})" if seen[name] > 1 else name)
    return shown


def weeks_between(mondays: list[str]) -> list[str]:
    """Every Monday from the first to the last."""
    first, last = dt.date.fromisoformat(min(mondays)), dt.date.fromisoformat(max(mondays))
    return [(first + dt.timedelta(weeks=number)).isoformat() for number in range((last - first).days // 7 + 1)]
