"""What is heard, and what the catalogue lacks of it."""

from __future__ import annotations

import itertools

import altair as alt

from pipeline.report import charts
from pipeline.report.question import Question, Rows, Section, number, percent, total
from pipeline.report.theme import colour


def _leaders(rows: Rows, noun: str, name: str) -> str:
    most = rows[0]["plays"]
    first = [row[name] for row in rows if row["plays"] == most]
    if len(first) == 1:
        return f"{first[0]} was played most: {number(most, 'time')}."
    if len(first) == 2:
        return f"{first[0]} and {first[1]} were played most: {number(most, 'time')} each."
    return f"{len(first)} {noun}s were played most: {number(most, 'time')} each."


def _top_songs(rows: Rows) -> str:
    lacking = sum(1 for row in rows if not row["is_catalogued"])
    titles = [{**row, "song": f"“{row['title']}” by {row['artist']}"} for row in rows]
    missing = "none" if not lacking else "all" if lacking == len(rows) else f"{lacking:,}"
    return f"{_leaders(titles, 'song', 'song')} Of the first {len(rows)}, {missing} are missing from the catalogue."


def _top_artists(rows: Rows) -> str:
    plays, songs = total(rows, "plays"), total(rows, "songs")
    return (
        f"{_leaders(rows, 'artist', 'artist')} "
        f"The {len(rows)} shown were played {number(plays, 'time')}, with {number(songs, 'different song')}."
    )


def _moves(rows: Rows, key: str, name: str) -> str:
    """Which of the first gained most from one week to the next; the outer weeks are left out, being incomplete."""
    weeks = sorted({row["week_start"] for row in rows})
    if len(weeks) < 2:
        return f"All of it was heard in the week of {charts.short_day(weeks[0])}."
    whole = weeks[1:-1] if len(weeks) > 3 else weeks
    names = {row[key]: row[name] for row in rows}
    plays = {(row[key], row["week_start"]): row["plays"] for row in rows}
    gains = [
        (plays.get((who, week), 0) - plays.get((who, before), 0), who, week)
        for who in names
        for before, week in itertools.pairwise(whole)
    ]
    gain, who, week = min(gains, key=lambda move: (-move[0], move[2], names[move[1]]))
    if gain <= 0:
        return "None of them gained from one week to the next."
    return (
        f"The greatest rise from one week to the next was that of {names[who]}: "
        f"{number(gain, 'play')} more in the week of {charts.short_day(week)}."
    )


def _weeks_chart(rows: Rows, key: str, name: str) -> alt.LayerChart:
    names = {row[key]: row[name] for row in rows}
    shown = dict(zip(names, charts.distinct(list(names.values())), strict=True))
    weeks = charts.axis_days([row["week_start"] for row in rows])
    plays = {(row[key], row["week_start"]): row["plays"] for row in rows}
    cells = [
        {"name": label, "week": week_name, "plays": plays.get((who, week), 0)}
        for who, label in shown.items()
        for week, week_name in weeks.items()
    ]
    return charts.grid(
        cells,
        x=alt.X(
            "week:O",
            title="week of",
            sort=list(weeks.values()),
            axis=alt.Axis(orient="top", labelAngle=0, labelOverlap=True),
        ),
        y=alt.Y(
            "name:N",
            sort=list(shown.values()),
            title=None,
            axis=alt.Axis(labelColor=colour("ink"), labelLimit=150),
        ),
        value="plays",
        unit="plays",
        row_height=32,
        rows_shown=len(shown),
        labels="," if len(weeks) <= 12 else None,
        tooltip=[alt.Tooltip("name:N", title=" "), alt.Tooltip("week:N", title="week of")],
    )


def _catalogue_weeks(rows: Rows) -> str:
    plays, matched = total(rows, "plays"), total(rows, "catalogued_plays")
    return (
        f"{number(matched, 'play')} of {plays:,} ({percent(matched, plays)}) were of songs that the catalogue has; "
        "every other play is of a song that is known from the player only."
    )


def _catalogue_chart(rows: Rows) -> alt.LayerChart:
    weeks = charts.axis_days([row["week_start"] for row in rows])
    shown = [
        {**row, "share": row["catalogued_plays"] / row["plays"], "label": weeks[row["week_start"]]} for row in rows
    ]
    base = alt.Chart(charts.data(shown)).encode(
        x=alt.X("label:O", sort=list(weeks.values()), title="week of", axis=alt.Axis(labelAngle=0, labelOverlap=True)),
        y=alt.Y(
            "share:Q", title="share of plays", axis=alt.Axis(format=".0%", tickCount=4), scale=alt.Scale(nice=True)
        ),
        tooltip=[
            alt.Tooltip("label:O", title="week of"),
            alt.Tooltip("share:Q", format=".1%"),
            alt.Tooltip("catalogued_plays:Q", title="plays of catalogued songs", format=","),
            alt.Tooltip("plays:Q", format=","),
        ],
    )
    bars = base.mark_bar(color=colour("green"), width={"band": 0.6})
    layers = [bars]
    if len(shown) <= 12:
        layers.append(base.mark_text(dy=-8).encode(text=alt.Text("share:Q", format=".1%")))
    return alt.layer(*layers).properties(width="container", height=240)


def _missing_artists(rows: Rows) -> str:
    first = rows[0]
    unknown = sum(1 for row in rows if not row["is_catalogued"])
    return (
        f"{first['artist']} is missed most, with {number(first['plays'], 'play')} of "
        f"{number(first['songs'], 'song')} that the catalogue lacks; "
        f"of the {len(rows)} artists shown it has no song at all of {unknown}."
    )


def _song_names(rows: Rows) -> Rows:
    return [{**row, "song": f"{row['title']} — {row['artist']}"} for row in rows]


SECTION = Section(
    "music",
    "What is heard",
    (
        Question(
            "top_songs",
            "Which songs are played most?",
            "weekly_song_plays",
            "Bars of plays of the ten most played songs.",
            _top_songs,
            lambda rows: charts.ranking(
                _song_names(rows),
                label="song",
                value="plays",
                unit="plays",
                details=[alt.Tooltip("is_catalogued:N", title="in the catalogue")],
            ),
        ),
        Question(
            "song_weeks",
            "How does the songs' popularity move?",
            "weekly_song_plays",
            "A grid of the ten most played songs by week, darker where a song was played more.",
            lambda rows: _moves([{**row, "title": f"“{row['title']}”"} for row in rows], "song_id", "title"),
            lambda rows: _weeks_chart(rows, "song_id", "title"),
        ),
        Question(
            "top_artists",
            "Which artists are played most?",
            "weekly_song_plays",
            "Bars of plays of the ten most played artists.",
            _top_artists,
            lambda rows: charts.ranking(
                rows,
                label="artist",
                value="plays",
                unit="plays",
                details=[alt.Tooltip("songs:Q", title="different songs", format=",")],
            ),
        ),
        Question(
            "artist_weeks",
            "How does the artists' popularity move?",
            "weekly_song_plays",
            "A grid of the ten most played artists by week, darker where an artist was played more.",
            lambda rows: _moves(rows, "artist_id", "artist"),
            lambda rows: _weeks_chart(rows, "artist_id", "artist"),
        ),
    ),
)

CATALOGUE = Section(
    "catalogue",
    "What the catalogue lacks",
    (
        Question(
            "catalogue_weeks",
            "How much of what is heard does the catalogue have?",
            "songs",
            "Bars of the share of plays whose song is in the catalogue, by week.",
            _catalogue_weeks,
            _catalogue_chart,
        ),
        Question(
            "missing_artists",
            "Whose songs are missed most?",
            "artists",
            "Bars of plays of the ten artists whose missing songs were played most.",
            _missing_artists,
            lambda rows: charts.ranking(
                rows,
                label="artist",
                value="plays",
                unit="plays",
                details=[alt.Tooltip("songs:Q", title="missing songs", format=",")],
            ),
        ),
    ),
)
