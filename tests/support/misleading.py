"""Data that misleads careless counting, and some of what must be said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from records import make_event, make_song

Record = dict[str, Any]
CHROME = "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/36.0.1985.143 Safari/537.36"
FIREFOX = "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:31.0) Gecko/20100101 Firefox/31.0"
ANN = {"song": "Tune", "artist": "Ann"}
BOB = {"song": "Ballad", "artist": "Bob"}
CAT = {"song": "Chorus", "artist": "Cat"}
MONDAYS, FRIDAYS = (5, 12, 19, 26), (2, 9, 16, 23, 30)


@dataclass(frozen=True)
class Case:
    """A source, and the words that some findings must have, worked out by hand."""

    name: str
    events: list[Record]
    songs: list[Record] = field(default_factory=lambda: [make_song()])
    says: dict[str, str | None] = field(default_factory=dict)


def at(day: int, hour: int = 12, minute: int = 0, *, month: int = 11) -> int:
    """Milliseconds of a moment in 2018."""
    return int(datetime(2018, month, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


def month_of_plays() -> Iterator[Record]:
    """Plays from the evening of Thursday 1 November to just after midnight of Saturday 1 December.

    November has five Fridays and four Mondays: 50 plays are on Fridays and 48 on Mondays, so a Monday has more. The
    first day, of which there is only an evening, has most plays of all. From one whole week to the next “Tune” and
    “Ballad” rise by 10 each; “Chorus” rises by more, but in a part of a week.
    """
    others = ({"song": f"Filler {number % 12}", "artist": f"Band {number % 12}"} for number in count())
    heard: dict[int, list[Record]] = {
        5: [ANN, *(next(others) for _ in range(11))],
        9: [next(others) for _ in range(10)],
        12: [ANN] * 11 + [BOB],
        16: [next(others) for _ in range(10)],
        19: [BOB] * 11 + [next(others)],
        23: [{**ANN, "song": "Other tune"}] * 7 + [next(others) for _ in range(3)],
        26: [CAT] * 12,
        30: [CAT] * 6 + [next(others) for _ in range(4)],
    }
    for number in range(40):
        yield {"ts": at(1, 23, number), **next(others)}
    for day in sorted((*MONDAYS, *FRIDAYS)):
        for number, song in enumerate(heard.get(day) or [next(others) for _ in range(10)]):
            yield {"ts": at(day, 9 + number % 4, number), **song}
    for number in range(2):
        yield {"ts": at(1, 0, number, month=12), **next(others)}


def misleading_month() -> list[Record]:
    """The plays with listeners, places and agents, half of them unknown, and steps to paid in any order."""
    agents, places = (None, None, CHROME, FIREFOX), (None, "", "Fargo, ND-MN", "Rome, GA")
    items = count()
    events = []
    for number, play in enumerate(month_of_plays()):
        user = 11 + number % 8
        level = "paid" if user == 12 or (user == 11 and play["ts"] > at(14)) else None if user == 18 else "free"
        events.append(
            make_event(
                userId=str(user), level=level, sessionId=user * 1000 + play["ts"] // 86_400_000 % 1000,
                itemInSession=next(items),
                userAgent=agents[number % 4], location=places[number // 2 % 4],
                length=300.0 if number % 3 else 200.5, **play,
            )
        )  # fmt: skip

    def step(user: int, day: int, page: str, level: str | None = "free", **values: Any) -> None:
        nothing = {"song": None, "artist": None, "length": None}
        play = {"song": "Hymn", "artist": "Eve"} if page == "NextSong" else nothing
        events.append(
            make_event(
                userId=str(user), level=level, page=page, ts=at(day, values.pop("hour", 15)), sessionId=user,
                itemInSession=next(items), location=None, userAgent=None, **play, **values,
            )
        )  # fmt: skip

    step(21, 5, "Upgrade")  # the page before the first play
    step(21, 6, "NextSong")
    step(22, 5, "Submit Upgrade")  # an upgrade without the page, and without a play
    step(22, 5, "Home", "paid", hour=16)
    step(23, 6, "Home")
    step(23, 7, "Home", "paid")
    step(23, 8, "Upgrade", "paid")  # the page only when on paid
    step(23, 8, "Submit Upgrade", "paid", hour=16)
    step(24, 7, "Submit Upgrade", "paid")  # never began on free
    step(25, 7, "Upgrade", None)  # on no level that is known
    step(26, 13, "Home")  # paid, free and paid again within two hours
    step(26, 13, "Home", "paid", hour=16)
    step(26, 13, "Home", hour=17)
    step(26, 13, "Home", None, hour=18)
    step(26, 13, "Home", "paid", hour=19)
    step(27, 13, "Submit Upgrade")  # submitted, and never on paid
    events.append(make_event(userId="", page="Home", song=None, artist=None, length=None, ts=at(13, 23), sessionId=26))
    return events


CASES = [
    Case(
        "a misleading month",
        misleading_month(),
        [
            # Two recordings of a song, two ids of an artist.
            make_song(),
            make_song(song_id="SO2", duration=300.0),
            make_song(song_id="SO3", title="Other tune", artist_id="AR2", duration=300.0),
            make_song(song_id="SO4", title="Never heard", artist_id="AR3", artist_name="Dan"),
        ],
        {
            "hours": "The busiest hours were 9:00 to 10:00 and 10:00 to 11:00 UTC, with 27% of plays each. Mondays "
            "were busiest, with 12.0 plays a day on average; Sundays, Wednesdays, Thursdays and Saturdays "
            "were quietest, with 0.0.",
            "levels": "2 paid listeners made 25 plays (12.5 each); 7 free listeners made 99 plays (14.1 each); 1 "
            "listener of unknown level made 17 plays. There were 9 listeners in all; those who played on "
            "several levels are counted in each.",
            "song_weeks": "“Tune” by Ann (1 to 11, week of 12 Nov 2018) and “Ballad” by Bob (1 to 11, week of 19 Nov "
            "2018) share the largest rise, 10 plays more than the week before. The weeks of 29 Oct 2018 and 26 Nov"
            " 2018 are left out, as they may be incomplete.",
            "top_artists": "The most played artist was Ann, with 19 plays.",
            "places": "The leading places were Fargo, ND-MN (2 listeners) and Rome, GA (2 listeners), with 34 plays "
            "each. The place of 73 plays is unknown.",
            "browsers": "25% of 141 plays came from each of Chrome and Firefox, and 50% from Windows. The browser of "
            "71 plays is unknown.",
            "funnel": "Of 11 users who began on free, 1 opened the upgrade page, 2 submitted an upgrade and 4 moved "
            "to paid.",
            "level_changes": "5 upgrades and 1 downgrade. The busiest was the week of 12 Nov 2018, with 4 changes.",
        },
    ),
    Case(
        "a few plays that tie",
        [
            make_event(ts=at(day), itemInSession=day, userId=str(user), level=level, sessionId=user, **song)
            for day, user, level, song in (
                (1, 1, "free", ANN), (2, 1, "free", ANN), (3, 2, "paid", BOB), (4, 2, "paid", BOB),
            )
        ],
    ),
    Case("one play", [make_event(level=None, location=None, userAgent=None, song="<b>&</b>")]),
    Case("nothing", [make_event(page="Home", song=None, artist=None, length=None)]),
]  # fmt: skip
