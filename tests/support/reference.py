"""The star worked out in plain Python, row by row, to hold the models against. It shares no code with them."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

Record = dict[str, Any]


def star(events: Iterable[Record], songs: Iterable[Record]) -> dict[str, set[tuple[Any, ...]]]:
    """songplays, users, songs, artists, time, user_levels and sessions of some records, as sets of rows.

    events and songs are the records of the JSON files, in any order and with any repeats.
    """
    events = events_once(events)
    songs = _once(_trimmed(songs), lambda s: s["song_id"], _song_content)
    heard = _Catalogue(songs)
    plays = [event for event in events if event["page"] == "NextSong" and event["userId"]]
    return {
        "songplays": {_songplay(play, heard) for play in plays},
        "time": {_time(play["ts"]) for play in plays},
        "songs": _songs(songs, plays, heard),
        "artists": _artists(songs, plays, heard),
        **_users(events),
    }


def events_once(events: Iterable[Record]) -> list[Record]:
    """Each event once, the least content of those that differ."""
    return _once(_trimmed(events), lambda e: (e["userId"], e["sessionId"], e["itemInSession"], e["ts"]), _event_content)


def _trimmed(records: Iterable[Record]) -> list[Record]:
    """Without blanks at the end of texts."""
    return [
        {key: value.rstrip(" ") if isinstance(value, str) else value for key, value in record.items()}
        for record in records
    ]


def repaired(text: str | None) -> str | None:
    """Undo the double encoding of a text as a whole."""
    if not text:
        return None
    try:
        return text.encode("latin-1").decode("utf-8").encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def folded(text: str | None) -> str:
    return "".join({"İ": "i", "ς": "σ", "Σ": "σ"}.get(letter, letter.lower()) for letter in (text or "").strip(" "))


def key(*values: Any) -> str:
    return hashlib.md5("\x1f".join("" if value is None else str(value) for value in values).encode()).hexdigest()  # noqa: S324


def moment(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(milliseconds=milliseconds)  # noqa: DTZ001 - the warehouse's are UTC without a zone


def seconds(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.00001"))


def _once(records: Iterable[Record], identity: Any, content: Any) -> list[Record]:
    best: dict[Any, Record] = {}
    for record in records:
        name = identity(record)
        if name not in best or content(record) < content(best[name]):
            best[name] = record
    return list(best.values())


def _ordered(values: Iterable[Any]) -> list[tuple[bool, Any]]:
    """Sort keys by UTF-8 bytes, None last."""
    return [(value is None, value.encode() if isinstance(value, str) else value or 0) for value in values]


def _event_content(event: Record) -> list[Any]:
    """As it is kept: repaired, and without what is empty."""
    values = [
        event["page"],
        repaired(event["artist"]),
        repaired(event["song"]),
        event["length"],
        *(event[name] or None for name in ("level", "auth", "method")),
        event["status"],
        repaired(event["firstName"]),
        repaired(event["lastName"]),
        event["gender"] or None,
        repaired(event["location"]),
        event["registration"],
        _agent(event),
    ]
    return [event["page"] != "NextSong", *_ordered(values)]


def _agent(event: Record) -> str | None:
    return (event["userAgent"] or "").strip('"').rstrip(" ") or None


def _song_content(song: Record) -> list[tuple[bool, Any]]:
    return _ordered(
        [
            song["title"] or None,
            song["artist_id"],
            _name(song) or None,
            song["duration"],
            song["year"] or None,
            song["artist_location"] or None,
            song["artist_latitude"],
            song["artist_longitude"],
        ]
    )


def _name(song: Record) -> str:
    return "" if song["artist_name"] is None else str(song["artist_name"])


class _Catalogue:
    """Finds the song and artist of a play."""

    def __init__(self, songs: list[Record]) -> None:
        self.recordings = defaultdict(list)
        self.artists: dict[str, str] = {}
        for song in songs:
            title, name = folded(song["title"]), folded(_name(song))
            if title and name:
                self.recordings[title, name].append(song)
            if name:
                self.artists[name] = min(song["artist_id"], self.artists.get(name, song["artist_id"]))

    def find(self, play: Record) -> tuple[str, str, bool, bool]:
        """song_id, artist_id, and whether the catalogue has each."""
        title, artist = folded(repaired(play["song"])), folded(repaired(play["artist"]))
        found = self.recordings.get((title, artist))
        if found:
            length = seconds(play["length"])
            best = min(
                found,
                key=lambda song: (
                    0 if length is None else abs(seconds(song["duration"]) - length),
                    song["song_id"],
                ),
            )
            return best["song_id"], best["artist_id"], True, True
        known = self.artists.get(artist)
        return key(title, artist), known or key(artist), False, known is not None


def _songplay(play: Record, catalogue: _Catalogue) -> tuple[Any, ...]:
    song_id, artist_id, _, _ = catalogue.find(play)
    agent = _agent(play)
    return (
        key(play["userId"], play["sessionId"], play["itemInSession"], play["ts"]),
        moment(play["ts"]),
        int(play["userId"]),
        play["level"],
        song_id,
        artist_id,
        play["sessionId"],
        repaired(play["location"]),
        agent,
        play["itemInSession"],
        key(folded(repaired(play["song"])), folded(repaired(play["artist"]))),
        key(agent),
        seconds(play["length"]),
    )


def _time(milliseconds: int) -> tuple[Any, ...]:
    time = moment(milliseconds)
    return time, time.hour, time.day, time.isocalendar().week, time.month, time.year, time.isoweekday() % 7


def _earliest(play: Record) -> list[Any]:
    return [play["ts"], *_ordered([repaired(play["song"]), repaired(play["artist"]), seconds(play["length"])])]


def _songs(songs: list[Record], plays: list[Record], catalogue: _Catalogue) -> set[tuple[Any, ...]]:
    rows = {
        (
            song["song_id"],
            song["title"] or "Unknown",
            song["artist_id"],
            song["year"] or None,
            seconds(song["duration"]),
            True,
        )
        for song in songs
    }
    first: dict[str, Record] = {}
    for play in plays:
        song_id, _, is_catalogued, _ = catalogue.find(play)
        if not is_catalogued and (song_id not in first or _earliest(play) < _earliest(first[song_id])):
            first[song_id] = play
    return rows | {
        (
            song_id,
            repaired(play["song"]) or "Unknown",
            catalogue.find(play)[1],
            None,
            seconds(play["length"]),
            False,
        )
        for song_id, play in first.items()
    }


def _artists(songs: list[Record], plays: list[Record], catalogue: _Catalogue) -> set[tuple[Any, ...]]:
    names: dict[str, Counter[str]] = defaultdict(Counter)
    places: dict[str, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for song in songs:
        names[song["artist_id"]][_name(song)] += 1
        place = (song["artist_location"] or None, song["artist_latitude"], song["artist_longitude"])
        if place != (None, None, None):
            places[song["artist_id"]][place] += 1
    rows = set()
    for artist_id, counts in names.items():
        name = min(counts, key=lambda name, counts=counts: (name == "", -counts[name], name.encode()))
        found = places.get(artist_id, {(None, None, None): 1})
        place = min(found, key=lambda place, found=found: (-found[place], _ordered(place)))
        rows.add((artist_id, name or "Unknown", *place, True))
    first: dict[str, Record] = {}
    for play in plays:
        _, artist_id, _, is_known = catalogue.find(play)
        if not is_known and (artist_id not in first or _first_name(play) < _first_name(first[artist_id])):
            first[artist_id] = play
    return rows | {
        (artist_id, repaired(play["artist"]) or "Unknown", None, None, None, False) for artist_id, play in first.items()
    }


def _first_name(play: Record) -> list[Any]:
    return [play["ts"], *_ordered([repaired(play["artist"])])]


def _users(events: list[Record]) -> dict[str, set[tuple[Any, ...]]]:
    by_user = defaultdict(list)
    for event in events:
        if event["userId"]:
            by_user[int(event["userId"])].append(event)
    users, levels, sessions = set(), set(), set()
    for user_id, own in by_user.items():
        own.sort(key=lambda event: (event["ts"], event["sessionId"], event["itemInSession"]))
        last = own[-1]
        users.add(
            (
                user_id,
                repaired(last["firstName"]),
                repaired(last["lastName"]),
                last["gender"],
                last["level"],
                None if last["registration"] is None else moment(int(last["registration"])),
                moment(own[0]["ts"]),
                moment(last["ts"]),
            )
        )
        levels |= _stretches(user_id, own)
        for session_id in {event["sessionId"] for event in own}:
            sessions.add(_session(user_id, session_id, [event for event in own if event["sessionId"] == session_id]))
    return {"users": users, "user_levels": levels, "sessions": sessions}


def _stretches(user_id: int, own: list[Record]) -> set[tuple[Any, ...]]:
    at = {event["ts"]: event["level"] for event in own if event["level"]}  # the last of a moment stays
    starts: list[tuple[int, str]] = []
    for milliseconds in sorted(at):
        if not starts or starts[-1][1] != at[milliseconds]:
            starts.append((milliseconds, at[milliseconds]))
    ends = [*(moment(start) for start, _ in starts[1:]), None][: len(starts)]
    before = [None, *(level for _, level in starts)]
    return {
        (user_id, level, moment(start), end, end is None, previous)
        for (start, level), end, previous in zip(starts, ends, before[: len(starts)], strict=True)
    }


def _session(user_id: int, session_id: int, events: list[Record]) -> tuple[Any, ...]:
    first = min(events, key=lambda event: (event["ts"], event["itemInSession"]))
    plays = [event for event in events if event["page"] == "NextSong"]
    return (
        key(user_id, session_id),
        session_id,
        user_id,
        moment(first["ts"]),
        moment(max(event["ts"] for event in events)),
        first["level"],
        len(events),
        len(plays),
        sum((seconds(play["length"]) or Decimal(0) for play in plays), Decimal(0)),
        max(event["ts"] for event in events) // 1000 - first["ts"] // 1000,
    )
