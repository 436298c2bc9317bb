"""What the reference of the findings counts: plays with all that is known of them, days and weeks."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from reference import Record, events_once, moment, star
from reference_words import half_up, monday, several

from pipeline.settings import PROJECT_ROOT


@dataclass(frozen=True)
class Found:
    """The table below a chart, and the sentences above it: None where there is nothing to draw."""

    rows: list[tuple[Any, ...]]
    words: str | None


@dataclass(frozen=True)
class Play:
    day: date
    hour: int
    user: int
    level: str
    title: str
    artist: str
    is_catalogued: bool
    is_artist_catalogued: bool
    place: str | None
    browser: str
    system: str
    seconds: Decimal

    @property
    def week(self) -> date:
        return monday(self.day)

    @property
    def song(self) -> tuple[str, str]:
        return self.title, self.artist


def agent_reader() -> Callable[[str | None, str], str]:
    """The first rule of the seed that an agent meets, as LIKE reads its pattern."""
    with (PROJECT_ROOT / "seeds/user_agent_rules.csv").open(encoding="utf-8") as lines:
        rules = sorted(csv.DictReader(lines), key=lambda rule: int(rule["priority"]))
    signs = {"%": ".*", "_": "."}
    patterns = [
        (
            rule["part"],
            re.compile("".join(signs.get(s) or re.escape(s) for s in rule["pattern"]), re.DOTALL),
            rule["name"],
        )
        for rule in rules
    ]

    def read(agent: str | None, part: str) -> str:
        found = (name for of, pattern, name in patterns if of == part and agent and pattern.fullmatch(agent))
        return next(found, "Other")

    return read


@dataclass
class Plays:
    """The plays of some records of the JSON files."""

    events: list[Record]
    songs: list[Record]
    star: dict[str, set[tuple[Any, ...]]] = field(init=False)

    def __post_init__(self) -> None:
        self.star = star(self.events, self.songs)
        self.events = events_once(self.events)

    @cached_property
    def plays(self) -> list[Play]:
        songs = {row[0]: (row[1], row[5]) for row in self.star["songs"]}
        artists = {row[0]: (row[1], row[5]) for row in self.star["artists"]}
        read = agent_reader()
        agents = {row[8]: (read(row[8], "browser"), read(row[8], "os")) for row in self.star["songplays"]}
        return [
            Play(
                start.date(), start.hour, user, level or "unknown", songs[song][0], artists[artist][0], songs[song][1],
                artists[artist][1], place or None, *agents[agent], seconds or Decimal(0),
            )
            for _, start, user, level, song, artist, _, place, agent, _, _, _, seconds in self.star["songplays"]
        ]  # fmt: skip

    @cached_property
    def days(self) -> list[date]:
        found = [moment(event["ts"]).date() for event in self.events]
        return [min(found) + timedelta(days=n) for n in range((max(found) - min(found)).days + 1)] if found else []

    @cached_property
    def weeks(self) -> list[date]:
        return sorted({monday(day) for day in self.days})

    @property
    def levels(self) -> list[str]:
        return sorted({play.level for play in self.plays})

    def is_whole(self, day: date) -> bool:
        return self.days[0] < day < self.days[-1]

    def is_whole_week(self, week: date) -> bool:
        return all(self.is_whole(week + timedelta(days=n)) for n in range(7))

    def head(self) -> dict[str, str]:
        return {
            "plays": f"{len(self.plays):,}",
            "listeners": f"{len({play.user for play in self.plays}):,}",
            "hours": half_up(sum((play.seconds for play in self.plays), Decimal(0)) / 3600, 1),
            "sessions": f"{sum(1 for row in self.star['sessions'] if row[7]):,}",
            "songs": f"{len({play.song for play in self.plays}):,}",
            "artists": f"{len({play.artist for play in self.plays}):,}",
        }

    def _ranked(self, key: Callable[[Play], Any], plays: list[Play] | None = None) -> list[tuple[Any, int]]:
        counts = Counter(map(key, self.plays if plays is None else plays))
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    @staticmethod
    @staticmethod
    def _rest(ranked: list[tuple[Any, int]], noun: str) -> str:
        others = sum(1 for _, count in ranked[10:] if count == ranked[9][1])
        if not others:
            return ""
        have = "has" if others == 1 else "have"
        return f" {several(others, f'other {noun}')} {have} as many plays as the last one shown."
