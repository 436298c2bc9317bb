"""What people listen to, and what of it is missing from the catalogue."""

from __future__ import annotations

import itertools

import altair as alt

from pipeline.site.report import charts
from pipeline.site.report.question import Finding, Rows, total
from pipeline.site.report.theme import colour
from pipeline.site.report.words import ENOUGH_IN_A_WEEK, MOST_NAMES, count_and_share, day, listed, number


def quoted(row: dict[str, str]) -> str:
    return f"“{row['title']}” by {row['artist']}"


def leaders(rows: Rows, names: list[str], noun: str, as_many: str) -> str:
    """Which was played most, naming all that tie. as_many: the column with how many have as many plays as the row."""
    most, tied = rows[0]["plays"], rows[0][as_many]
    if most == 1 and tied > 1:
        return f"No {noun} was played more than once."
    if tied > MOST_NAMES:
        return f"{tied:,} {noun}s share first place, with {number(most, 'play')} each."
    if tied > 1:
        return f"The most played {noun}s were {listed(names[:tied])}, with {number(most, 'play')} each."
    return f"The {'only' if len(names) == 1 else 'most'} played {noun} was {names[0]}, with {number(most, 'play')}."


def left_out(rows: Rows, noun: str, as_many: str) -> str:
    """How many that are not shown have as many plays as the last one shown."""
    last = rows[-1]
    others = last[as_many] - sum(1 for row in rows if row["plays"] == last["plays"])
    if not others:
        return ""
    verb = "has" if others == 1 else "have"
    return f" {number(others, f'other {noun}')} {verb} as many plays as the last one shown."


def _top_songs(rows: Rows) -> str:
    lacking = sum(1 for row in rows if not row["is_catalogued"])
    first = leaders(rows, [quoted(row) for row in rows], "song", "songs_with_as_many")
    if len(rows) == 1:
        return f"{first} It is {'not ' if lacking else ''}in the catalogue."
    missing = f"{lacking or 'None'} of the {len(rows)} shown {'is' if lacking == 1 else 'are'}"
    if lacking == len(rows):
        missing = f"All {lacking} shown are"
    return f"{first} {missing} missing from the catalogue.{left_out(rows, 'song', 'songs_with_as_many')}"


def _top_artists(rows: Rows) -> str:
    first = leaders(rows, [row["artist"] for row in rows], "artist", "artists_with_as_many")
    return f"{first}{left_out(rows, 'artist', 'artists_with_as_many')}"


def _moves(rows: Rows, names: dict[str, str], noun: str) -> str:
    """Which of the ten gained most from one whole week to the next, naming all that tie."""
    weeks = sorted({row["week_start"] for row in rows})
    whole = sorted({row["week_start"] for row in rows if row["is_whole_week"]})
    part = [day(week) for week in weeks if week not in whole]
    left = ""
    if part:
        weeks_of, are, they = ("week", "is", "it") if len(part) == 1 else ("weeks", "are", "they")
        left = f" The {weeks_of} of {listed(part)} {are} left out, as {they} may be incomplete."
    if len(whole) < 2:
        return (
            f"Weeks cannot be compared yet: at least two whole weeks are needed, and the data has "
            f"{'one' if whole else 'none'}."
        )
    plays = {(row["name"], row["week_start"]): row["plays"] for row in rows}
    gains = [
        (plays[name, week] - plays[name, before], name, before, week)
        for before, week in itertools.pairwise(whole)
        for name in names
        if plays[name, week] >= ENOUGH_IN_A_WEEK
    ]
    if not gains:
        return (
            f"Too few plays to show a rise: none of these {noun}s had {ENOUGH_IN_A_WEEK} plays in any whole week after "
            f"the first.{left}"
        )
    most = max(gain for gain, *_ in gains)
    if most <= 0:
        return f"None of these {noun}s gained plays from one whole week to the next.{left}"
    found = [
        (names[name], plays[name, before], plays[name, week], day(week))
        for gain, name, before, week in gains
        if gain == most
    ]
    if len(found) > MOST_NAMES:
        return f"{len(found)} rises tie for the largest, {number(most, 'play')} each.{left}"
    if len(found) > 1:
        tied = listed(f"{name} ({before} to {plays}, week of {week})" for name, before, plays, week in found)
        return f"{tied} share the largest rise, {number(most, 'play')} more than the week before.{left}"
    name, before, plays, week = found[0]
    return f"{name} rose most, from {before:,} to {number(plays, 'play')}, in the week of {week}.{left}"


def _song_rows(rows: Rows) -> Rows:
    return [{**row, "name": f"{row['title']}\x1f{row['artist']}"} for row in rows]


def _artist_rows(rows: Rows) -> Rows:
    return [{**row, "name": row["artist"]} for row in rows]


def _weeks_chart(rows: Rows, names: dict[str, str]) -> alt.TopLevelMixin:
    shown = dict(zip(names, charts.distinct(list(names.values())), strict=True))
    weeks = charts.axis_days([row["week_start"] for row in rows])
    part = {row["week_start"] for row in rows if not row["is_whole_week"]}
    weeks = {week: f"{name}*" if week in part else name for week, name in weeks.items()}
    cells = [{"name": shown[row["name"]], "week": weeks[row["week_start"]], "plays": row["plays"]} for row in rows]
    return charts.grid(
        cells,
        x=alt.X(
            "week:O",
            title="week of (* may be incomplete)" if part else "week of",
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


def _song_weeks(rows: Rows) -> str:
    rows = _song_rows(rows)
    return _moves(rows, {row["name"]: quoted(row) for row in rows}, "song")


def _song_weeks_chart(rows: Rows) -> alt.TopLevelMixin:
    rows = _song_rows(rows)
    return _weeks_chart(rows, {row["name"]: row["title"] for row in rows})


def _artist_weeks(rows: Rows) -> str:
    return _moves(_artist_rows(rows), {row["artist"]: row["artist"] for row in rows}, "artist")


def _artist_weeks_chart(rows: Rows) -> alt.TopLevelMixin:
    return _weeks_chart(_artist_rows(rows), {row["artist"]: row["artist"] for row in rows})


def _catalogue_weeks(rows: Rows) -> str:
    plays, matched = total(rows, "plays"), total(rows, "catalogued_plays")
    if plays == 1:
        return f"The only play was of a song {'in' if matched else 'that is not in'} the catalogue."
    if not matched:
        return f"None of the {plays:,} plays was of a song in the catalogue."
    were = "was of a song" if matched == 1 else "were of songs"
    return f"{count_and_share(matched, plays, 'play')} {were} in the catalogue."


def _catalogue_chart(rows: Rows) -> alt.TopLevelMixin:
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
            alt.Tooltip("share:Q", title="share of plays", format=".1%"),
            alt.Tooltip("catalogued_plays:Q", title="plays of songs in the catalogue", format=","),
            alt.Tooltip("plays:Q", title="all plays", format=","),
        ],
    )
    bars = base.mark_bar(color=colour("green"), width={"band": 0.6})
    layers = [bars]
    if len(shown) <= 12:
        layers.append(base.mark_text(dy=-8).encode(text=alt.Text("share:Q", format=".1%")))
    return alt.layer(*layers).properties(width="container", height=240)


def _missing_artists(rows: Rows) -> str:
    plays, tied = rows[0]["plays"], rows[0]["artists_with_as_many"]
    if len(rows) == 1:
        of = f"{number(plays, 'play')} of {number(rows[0]['songs'], 'song')}"
        first = f"All missing songs that were played are by {rows[0]['artist']}: {of}."
    elif plays == 1:
        first = "No artist has more than one play of a missing song."
    elif tied > MOST_NAMES:
        first = f"{tied:,} artists tie, with {number(plays, 'play')} of missing songs each."
    elif tied > 1:
        parts = [f"{row['artist']} ({number(row['songs'], 'song')})" for row in rows[:tied]]
        first = f"The most played missing songs are by {listed(parts)}, with {number(plays, 'play')} each."
    else:
        of = f"{number(plays, 'play')} of {number(rows[0]['songs'], 'song')}"
        first = f"The most played missing songs are by {rows[0]['artist']}: {of}."
    absent, shown = sum(1 for row in rows if not row["is_catalogued"]), len(rows)
    if shown == 1:
        whole = f"The catalogue has {'no songs' if absent else 'other songs'} by this artist."
    elif absent:
        some = "any" if absent == shown else absent
        whole = f"The catalogue has no songs by {some} of the {shown} artists shown."
    else:
        whole = f"The catalogue has other songs by all {shown} artists shown."
    return f"{first} {whole}{left_out(rows, 'artist', 'artists_with_as_many')}"


FINDINGS = {
    "top_songs": Finding(
        _top_songs,
        lambda rows: charts.ranking(
            [{**row, "song": f"{row['title']} — {row['artist']}"} for row in rows],
            label="song",
            value="plays",
            unit="plays",
            details=[alt.Tooltip("is_catalogued:N", title="in the catalogue")],
        ),
    ),
    "song_weeks": Finding(_song_weeks, _song_weeks_chart),
    "top_artists": Finding(
        _top_artists,
        lambda rows: charts.ranking(
            rows,
            label="artist",
            value="plays",
            unit="plays",
            details=[alt.Tooltip("songs:Q", title="different songs", format=",")],
        ),
    ),
    "artist_weeks": Finding(_artist_weeks, _artist_weeks_chart),
    "catalogue_weeks": Finding(_catalogue_weeks, _catalogue_chart),
    "missing_artists": Finding(
        _missing_artists,
        lambda rows: charts.ranking(
            rows,
            label="artist",
            value="plays",
            unit="plays of missing songs",
            details=[alt.Tooltip("songs:Q", title="missing songs", format=",")],
        ),
    ),
}
