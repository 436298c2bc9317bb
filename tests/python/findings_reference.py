"""The report's findings worked out in plain Python, row by row and word by word, to hold the report against.

It shares no code with the report and knows no SQL: from the records of the JSON files it makes the star (reference.py),
and from that the figures and the sentences of every question.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from reference import Record, events_once, moment, star

from pipeline.settings import PROJECT_ROOT

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MINUTES = (0, 1, 5, 15, 30, 60, 120)
SIZES = (0, 1, 2, 6, 11, 21, 51)


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


def monday(day: date) -> date:
    return day - timedelta(days=day.isoweekday() - 1)


def half_up(value: Decimal, places: int = 0) -> str:
    return f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}"


def average(whole: Any, count: int) -> str:
    value = Decimal(whole) / count
    return half_up(value, 0 if value >= 100 else 1)


def share(part: int, whole: int) -> str:
    value = Decimal(100 * part) / whole
    if part in (0, whole):
        return f"{value.normalize():f}%"
    if 10 <= value <= 99:
        return half_up(value) + "%"
    return half_up(min(max(value, Decimal("0.1")), Decimal("99.9")), 1) + "%"


def some_of(part: int, whole: int, noun: str) -> str:
    return f"{part:,} of {several(whole, noun)}{f' ({share(part, whole)})' if whole >= 30 else ''}"


def several(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def together(names: Iterable[str]) -> str:
    names = list(names)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def short(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def long(day: date) -> str:
    return f"{WEEKDAYS[day.isoweekday() % 7]} {short(day)}"


def lasting(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return several(hours, "hour") + (f" {several(minutes, 'minute')}" if minutes else "")
    return several(minutes, "minute") if minutes else several(seconds, "second")


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
class Findings:
    """All questions of the report by their names, each a method."""

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

    # How much people listen, and when

    def plays_by_day(self) -> Found:
        counts = Counter((play.day, play.level) for play in self.plays)
        rows = [(day, self.is_whole(day), level, counts[day, level]) for day in self.days for level in self.levels]
        if not self.plays:
            return Found(rows, None)
        of_day = Counter(play.day for play in self.plays)
        total, paid = len(self.plays), sum(1 for play in self.plays if play.level == "paid")
        most, average_day, busiest = self._peak(of_day)
        names = {"paid": "on paid", "free": "on free", "unknown": "on an unknown level"}
        if total == 1:
            return Found(rows, f"There was 1 play, {names[self.plays[0].level]}, on {long(busiest[0])}.")
        start = f"{total:,} plays, {share(paid, total) if total >= 30 else paid} of them on paid"
        if most == total:
            return Found(rows, f"{start}, all on {long(busiest[0])}.")
        start += f". An average day had {average_day}; " if average_day else ". Of the days, "
        if len(busiest) == 1:
            return Found(rows, f"{start}the busiest, {long(busiest[0])}, had {most:,}.")
        if len(busiest) <= 3:
            return Found(rows, f"{start}the busiest days, {together(map(long, busiest))}, had {most:,} each.")
        return Found(rows, f"{start}the {len(busiest)} busiest days had {most:,} each.")

    def _peak(self, of_day: Counter[date]) -> tuple[int, str, list[date]]:
        whole = [of_day[day] for day in self.days if self.is_whole(day)]
        most = max(of_day.values())
        return most, average(sum(whole), len(whole)) if whole else "", [d for d in self.days if of_day[d] == most]

    def listeners_by_day(self) -> Found:
        on_level = Counter((day, level) for day, level, _ in {(p.day, p.level, p.user) for p in self.plays})
        of_day = Counter(day for day, _ in {(p.day, p.user) for p in self.plays})
        rows = [
            (day, self.is_whole(day), level, on_level[day, level], of_day[day])
            for day in self.days
            for level in self.levels
        ]
        if not self.plays:
            return Found(rows, None)
        most, average_day, busiest = self._peak(of_day)
        on = together(map(long, busiest)) if len(busiest) <= 3 else f"each of {len(busiest)} days"
        if average_day:
            most_words = "at most there was 1" if most == 1 else f"at most there were {most:,}"
            return Found(rows, f"An average day had {average_day} listeners; {most_words}, on {on}.")
        return Found(rows, f"At most {several(most, 'listener')} in a day, on {on}.")

    def levels_(self) -> Found:
        users = {level: {p.user for p in self.plays if p.level == level} for level in self.levels}
        plays = Counter(play.level for play in self.plays)
        everyone = len({play.user for play in self.plays})
        rows = [
            (level, plays[level], len(users[level]), sum(p.seconds for p in self.plays if p.level == level), everyone)
            for level in self.levels
        ]
        if not rows:
            return Found(rows, None)
        parts = []
        for level, name in (("paid", "on paid"), ("free", "on free"), ("unknown", "on an unknown level")):
            if level in users:
                count = len(users[level])
                each = f" ({average(plays[level], count)} each)" if count > 1 else ""
                parts.append(f"{several(count, 'listener')} {name} made {several(plays[level], 'play')}{each}")
        words = "; ".join(parts) + "."
        more = sum(map(len, users.values())) - everyone
        if more:
            both = f"{more:,} played on both levels and count{'s' if more == 1 else ''} in each"
            why = both if len(users) == 2 else "those who played on several levels count in each"
            words += f" There {'was' if everyone == 1 else 'were'} {several(everyone, 'listener')} in all: {why}."
        return Found(rows, words)

    def hours(self) -> Found:
        days = Counter(day.isoweekday() % 7 for day in self.days if self.is_whole(day))
        plays = Counter((p.day.isoweekday() % 7, p.hour) for p in self.plays if self.is_whole(p.day))
        rows: list[tuple[Any, ...]] = []
        for weekday in sorted(days):
            own = sorted(hour for other, hour in plays if other == weekday)
            rows += [(weekday, days[weekday], hour, plays[weekday, hour]) for hour in own] or [
                (weekday, days[weekday], None, 0)
            ]
        total = sum(plays.values())
        if not total:
            return Found(rows, None)
        if total < 30:
            return Found(rows, f"There are too few plays to say: {total} on whole days, and it takes 30.")
        of_hour = {hour: sum(plays[weekday, hour] for weekday in range(7)) for hour in range(24)}
        most = max(of_hour.values())
        spans = [f"{hour}:00 to {(hour + 1) % 24}:00" for hour in range(24) if of_hour[hour] == most]
        if len(spans) == 1:
            words = f"The busiest hour was {spans[0]} UTC, with {share(most, total)} of plays."
        elif len(spans) <= 3:
            words = f"The busiest hours were {together(spans)} UTC, with {share(most, total)} of plays each."
        else:
            words = f"No hour stands out: {len(spans)} hours had {share(most, total)} of plays each."
        return Found(rows, f"{words} {self._weekdays(days, plays)}")

    def _weekdays(self, days: Counter[int], plays: Counter[tuple[int, int]]) -> str:
        if any(days[weekday] < 2 for weekday in range(7)):
            there = several(sum(days.values()), "whole day")
            return f"Weekdays cannot be compared yet: that takes 2 whole days of each, and the data has {there}."
        sums = [sum(plays[weekday, hour] for hour in range(24)) for weekday in range(7)]
        means = [Fraction(sums[weekday], days[weekday]) for weekday in range(7)]
        busy, quiet = means.index(max(means)), means.index(min(means))
        if means[busy] == means[quiet]:
            return f"All weekdays had {average(sums[busy], days[busy])} plays a day on average."
        busiest, quietest = (
            together(f"{WEEKDAYS[weekday]}s" for weekday in range(7) if means[weekday] == means[end])
            for end in (busy, quiet)
        )
        return (
            f"{busiest} were busiest, with {average(sums[busy], days[busy])} plays a day on average; "
            f"{quietest} were quietest, with {average(sums[quiet], days[quiet])}."
        )

    # How long sessions are

    def _sessions(self) -> list[tuple[str, int, int, int]]:
        """Level, events, plays and seconds of each."""
        return [(row[5] or "unknown", row[6], row[7], row[9]) for row in self.star["sessions"]]

    def session_lengths(self) -> Found:
        groups = defaultdict(list)
        for level, events, _, seconds in self._sessions():
            groups[max(start for start in MINUTES if start * 60 <= seconds), level].append((events, seconds))
        rows = [
            (*key, len(group), sum(s for _, s in group), max(s for _, s in group), sum(1 for e, _ in group if e == 1))
            for key, group in sorted(groups.items())
        ]
        if not rows:
            return Found(rows, None)
        sessions = self._sessions()
        longest = max(seconds for *_, seconds in sessions)
        single = sum(1 for _, events, _, _ in sessions if events == 1)
        if len(sessions) == 1:
            had = "had a single event" if single else f"lasted {lasting(longest)}"
            return Found(rows, f"The one session {had}.")
        singles = f"{some_of(single, len(sessions), 'session')} had a single event"
        if not longest:
            return Found(rows, f"No session lasted a second. {singles}.")
        mean = average(Decimal(sum(seconds for *_, seconds in sessions)) / 60, len(sessions))
        words = f"Sessions lasted {mean} minutes on average"
        words += self._on_each_level([(level, Decimal(seconds) / 60) for level, _, _, seconds in sessions])
        words += f". The longest lasted {lasting(longest)}."
        if single:
            words += f" {singles} and {'counts' if single == 1 else 'count'} as 0 minutes."
        return Found(rows, words)

    @staticmethod
    def _on_each_level(values: list[tuple[str, Any]]) -> str:
        means = []
        for level in ("free", "paid"):
            own = [value for of, value in values if of == level]
            means += [f"{average(sum(own), len(own))} on {level}"] if own else []
        return ": " + ", ".join(means) if len(means) == 2 else ""

    def session_plays(self) -> Found:
        groups = defaultdict(list)
        for level, _, plays, _ in self._sessions():
            groups[max(size for size in SIZES if size <= plays), level].append(plays)
        rows = [(*key, len(group), sum(group), max(group)) for key, group in sorted(groups.items())]
        if not rows:
            return Found(rows, None)
        sessions = self._sessions()
        heard = [(level, plays) for level, _, plays, _ in sessions if plays]
        most = max(plays for _, _, plays, _ in sessions)
        if len(sessions) == 1:
            return Found(rows, f"The one session had {several(most, 'play') if most else 'no plays'}.")
        if not heard:
            return Found(rows, f"None of the {len(sessions):,} sessions had a play.")
        words = f"{average(sum(plays for _, plays in heard), len(heard))} on average{self._on_each_level(heard)}."
        words += f" The most in one session was {most:,}."
        none = len(sessions) - len(heard)
        if not none:
            return Found(rows, f"Every session had plays, {words}")
        return Found(rows, f"Sessions with plays had {words} {some_of(none, len(sessions), 'session')} had none.")

    # What people listen to

    def top_songs(self) -> Found:
        ranked, catalogued = self._ranked(lambda play: play.song), {p.song for p in self.plays if p.is_catalogued}
        alike = Counter(count for _, count in ranked)
        rows = [(*song, count, song in catalogued, alike[count]) for song, count in ranked[:10]]
        if not rows:
            return Found(rows, None)
        words = self._leaders([(f"“{title}” by {artist}", n) for (title, artist), n in ranked], "song")
        lacking = sum(1 for row in rows if not row[3])
        if len(rows) == 1:
            return Found(rows, f"{words} It is {'not ' if lacking else ''}in the catalogue.")
        missing = "1 of the {} shown is" if lacking == 1 else f"{lacking or 'None'} of the {{}} shown are"
        missing = "All {} shown are" if lacking == len(rows) else missing
        return Found(
            rows, f"{words} {missing.format(len(rows))} missing from the catalogue.{self._rest(ranked, 'song')}"
        )

    def top_artists(self) -> Found:
        ranked = self._ranked(lambda play: play.artist)
        alike = Counter(count for _, count in ranked)
        titles = defaultdict(set)
        for play in self.plays:
            titles[play.artist].add(play.title)
        rows = [(artist, count, len(titles[artist]), alike[count]) for artist, count in ranked[:10]]
        words = self._leaders(ranked, "artist") + self._rest(ranked, "artist") if rows else None
        return Found(rows, words)

    def _ranked(self, key: Callable[[Play], Any], plays: list[Play] | None = None) -> list[tuple[Any, int]]:
        counts = Counter(map(key, self.plays if plays is None else plays))
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    @staticmethod
    def _leaders(ranked: list[tuple[str, int]], noun: str) -> str:
        most = ranked[0][1]
        first = [name for name, count in ranked if count == most]
        if most == 1 and len(first) > 1:
            return f"No {noun} was played more than once."
        if len(first) > 3:
            return f"{len(first):,} {noun}s share first place, with {most:,} plays each."
        if len(first) > 1:
            return f"The most played {noun}s were {together(first)}, with {most:,} plays each."
        return (
            f"The {'only' if len(ranked) == 1 else 'most'} played {noun} was {first[0]}, with {several(most, 'play')}."
        )

    @staticmethod
    def _rest(ranked: list[tuple[Any, int]], noun: str) -> str:
        others = sum(1 for _, count in ranked[10:] if count == ranked[9][1])
        if not others:
            return ""
        have = "has" if others == 1 else "have"
        return f" {several(others, f'other {noun}')} {have} as many plays as the last one shown."

    def song_weeks(self) -> Found:
        rows, plays = self._weekly(lambda play: play.song)
        return Found(rows, self._rises(plays, "song", lambda song: f"“{song[0]}” by {song[1]}"))

    def artist_weeks(self) -> Found:
        rows, plays = self._weekly(lambda play: (play.artist,))
        return Found(rows, self._rises(plays, "artist", lambda artist: artist[0]))

    def _weekly(self, key: Callable[[Play], Any]) -> tuple[list[tuple[Any, ...]], dict[Any, dict[date, int]]]:
        plays = {
            name: {week: sum(1 for p in self.plays if key(p) == name and p.week == week) for week in self.weeks}
            for name, _ in self._ranked(key)[:10]
        }
        rows = [
            (*name, week, self.is_whole_week(week), sum(own.values()), own[week])
            for name, own in plays.items()
            for week in self.weeks
        ]
        return rows, plays

    def _rises(self, plays: dict[Any, dict[date, int]], noun: str, named: Callable[[Any], str]) -> str | None:
        if not plays:
            return None
        whole = [week for week in self.weeks if self.is_whole_week(week)]
        part = [short(week) for week in self.weeks if week not in whole]
        if len(whole) < 2:
            there = "one" if whole else "none"
            return f"Weeks cannot be compared yet: that takes two whole weeks, and the data has {there}."
        left = {
            0: "",
            1: f" The week of {part[0] if part else ''} is left out, as it may be incomplete.",
            2: f" The weeks of {' and '.join(part)} are left out, as they may be incomplete.",
        }[len(part)]
        rises = [
            (own[after] - own[after - timedelta(7)], own[after - timedelta(7)], own[after], after, named(name))
            for after in whole[1:]
            for name, own in plays.items()
            if own[after] >= 10
        ]
        if not rises:
            return (
                f"There are too few plays to speak of a rise: none of these {noun}s had 10 in a later whole week.{left}"
            )
        most = max(rise[0] for rise in rises)
        if most <= 0:
            return f"None of these {noun}s rose from one whole week to the next.{left}"
        rises = [rise for rise in rises if rise[0] == most]
        if len(rises) == 1:
            _, old, new, week, name = rises[0]
            return f"{name} rose most, from {old:,} to {several(new, 'play')} in the week of {short(week)}.{left}"
        if len(rises) > 3:
            return f"{len(rises)} rises tie as the greatest, by {several(most, 'play')} each.{left}"
        names = together(f"{name} ({old} to {new}, week of {short(week)})" for _, old, new, week, name in rises)
        return f"{names} share the greatest rise, {several(most, 'play')} more than the week before.{left}"

    # Who listens, and on what

    def top_listeners(self) -> Found:
        ranked = self._ranked(lambda play: play.user)
        alike = Counter(count for _, count in ranked)
        now = {row[0]: row[4] or "unknown" for row in self.star["users"]}
        own = defaultdict(list)
        for play in self.plays:
            own[play.user].append(play)
        rows = [
            (user, now[user], count, sum(p.seconds for p in own[user]), len({p.day for p in own[user]}), alike[count])
            for user, count in ranked[:10]
        ]
        if not rows:
            return Found(rows, None)
        rest = self._rest(ranked, "listener")
        user, level, count, seconds, days, tied = rows[0]
        if tied > 3:
            return Found(rows, f"{tied:,} listeners tie, with {several(count, 'play')} each.{rest}")
        if tied > 1:
            users = together(f"user {row[0]}" for row in rows[:tied])
            return Found(rows, f"U{users[1:]} played most, {several(count, 'song')} each.{rest}")
        on = "on an unknown level" if level == "unknown" else f"on {level}"
        time = lasting(int(seconds.quantize(Decimal(1), ROUND_HALF_UP)))
        words = (
            f"User {user}, now {on}, played most: {several(count, 'song')} on {several(days, 'day')}, {time} in all."
        )
        return Found(rows, words + rest)

    def places(self) -> Found:
        known = [play for play in self.plays if play.place is not None]
        ranked = self._ranked(lambda play: play.place, known)
        alike = Counter(count for _, count in ranked)
        total, unknown = len(self.plays), len(self.plays) - len(known)
        listeners = {place: len({p.user for p in known if p.place == place}) for place, _ in ranked[:10]}
        rows = [(place, count, listeners[place], alike[count], total, unknown) for place, count in ranked[:10]]
        if not rows:
            return Found(rows, None)
        place, count, people, tied, *_ = rows[0]
        if tied == 1:
            words = f"Most plays came from {place}: {some_of(count, total, 'play')}, by {several(people, 'listener')}."
        elif tied <= 3:
            names = together(f"{row[0]} (by {several(row[2], 'listener')})" for row in rows[:tied])
            words = f"Most plays came from {names}, {count:,} each."
        else:
            words = f"{tied:,} places tie, with {several(count, 'play')} each."
        words += f" {several(unknown, 'play')} came from an unknown place." if unknown else ""
        return Found(rows, words + self._rest(ranked, "place"))

    def browsers(self) -> Found:
        ranked = self._ranked(lambda play: (play.browser, play.system))
        users = {key: len({p.user for p in self.plays if (p.browser, p.system) == key}) for key, _ in ranked}
        rows = [(*key, count, users[key]) for key, count in ranked]
        if not rows:
            return Found(rows, None)
        total = len(self.plays)
        unknown = sum(1 for play in self.plays if play.browser == "Other")
        plays, browsers = self._leading(play.browser for play in self.plays)
        system_plays, systems = self._leading(play.system for play in self.plays)
        if not browsers:
            return Found(rows, "None of the browsers is known.")
        parts = [
            (
                f"{count:,}" if total < 30 else share(count, total),
                ("each of " if len(names) > 1 else "") + together(names),
            )
            for count, names in ((plays, browsers), (system_plays, systems))
            if names
        ]
        words = f"{parts[0][0]} of {several(total, 'play')} came from {parts[0][1]}"
        words += "".join(f", and {count} from {names}" for count, names in parts[1:]) + "."
        words += f" {several(unknown, 'play')} came from a browser that is not known." if unknown else ""
        return Found(rows, words)

    @staticmethod
    def _leading(names: Iterable[str]) -> tuple[int, list[str]]:
        counts = Counter(name for name in names if name != "Other")
        most = max(counts.values(), default=0)
        return most, sorted(name for name in counts if counts[name] == most)

    # How listeners come to pay, and come back

    def funnel(self) -> Found:
        firsts: dict[str, dict[str, int]] = defaultdict(dict)
        for event in sorted(self.events, key=lambda event: event["ts"]):
            if event["userId"]:
                own = firsts[event["userId"]]
                for thing in (event["level"], event["page"]):
                    own.setdefault(thing, event["ts"])
        began = [own for own in firsts.values() if "free" in own and own["free"] < own.get("paid", 10**15)]
        steps = [
            sum(1 for own in began if own.get(page, 10**15) < own.get("paid", 10**15 - 1))
            for page in ("NextSong", "Upgrade", "Submit Upgrade")
        ]
        paid = sum(1 for own in began if "paid" in own)
        rows = [(len(began), *steps, paid)]
        if not began:
            return Found(rows, None)
        if len(began) == 1:
            return Found(rows, f"One user began on free and has {'' if paid else 'not '}got to paid.")
        rate = f" ({share(paid, len(began))})" if len(began) >= 30 else ""
        return Found(
            rows,
            f"Of {several(len(began), 'user')} who began on free, {steps[1]:,} opened the upgrade page, {steps[2]:,} "
            f"submitted an upgrade and {paid:,} got to paid{rate}.",
        )

    def level_changes(self) -> Found:
        changes = [(monday(row[2].date()), row[1]) for row in self.star["user_levels"] if row[5] is not None]
        rows = [(*key, count) for key, count in sorted(Counter(changes).items())]
        if not rows:
            return Found(rows, None)
        up = sum(1 for _, level in changes if level == "paid")
        down = len(changes) - up
        words = f"{several(up, 'upgrade')} and {several(down, 'downgrade')}"
        words = words.replace("0 upgrades", "No upgrades") if not up else words
        words = words.replace(" 0 downgrades", " no downgrades") if not down else words
        weeks = Counter(week for week, _ in changes)
        most = max(weeks.values())
        busiest = sorted(week for week in weeks if weeks[week] == most)
        if len(weeks) == 1:
            return Found(rows, f"{words}, {'all ' if len(changes) > 1 else ''}in the week of {short(busiest[0])}.")
        if most == 1 or len(busiest) > 3:
            return Found(rows, f"{words}. No week stands out, with at most {several(most, 'change')} in any.")
        if len(busiest) == 1:
            return Found(rows, f"{words}. The busiest week was that of {short(busiest[0])}, with {most} changes.")
        return Found(
            rows, f"{words}. The busiest weeks were those of {together(map(short, busiest))}, with {most} changes each."
        )

    def retention(self) -> Found:
        weeks_of = defaultdict(set)
        for play in self.plays:
            weeks_of[play.user].add(play.week)
        rows = []
        for cohort in sorted({min(weeks) for weeks in weeks_of.values()}):
            own = [weeks for weeks in weeks_of.values() if min(weeks) == cohort]
            rows += [
                (
                    cohort,
                    (week - cohort).days // 7,
                    len(own),
                    sum(1 for w in own if week in w),
                    self.is_whole_week(week),
                )
                for week in self.weeks
                if week >= cohort
            ]
        if not rows:
            return Found(rows, None)
        counted = [weeks for weeks in weeks_of.values() if self.is_whole_week(min(weeks) + timedelta(7))]
        if not counted:
            return Found(rows, "Nobody can be counted yet: the data has no whole week after a week of first plays.")
        back = sum(1 for weeks in counted if min(weeks) + timedelta(7) in weeks)
        words = f"{some_of(back, len(counted), 'listener')} came back in the week after their first."
        left = len(weeks_of) - len(counted)
        if left:
            are = "is" if left == 1 else "are"
            words += f" {several(left, 'listener')} whose next week is incomplete in the data {are} left out."
        return Found(rows, words)

    # What the catalogue lacks

    def catalogue_weeks(self) -> Found:
        weeks = sorted({play.week for play in self.plays})
        rows = [
            (
                week,
                sum(1 for play in self.plays if play.week == week),
                sum(1 for play in self.plays if play.week == week and play.is_catalogued),
            )
            for week in weeks
        ]
        if not rows:
            return Found(rows, None)
        has = sum(1 for play in self.plays if play.is_catalogued)
        if len(self.plays) == 1:
            return Found(rows, f"The one play was of a song {'in' if has else 'that is not in'} the catalogue.")
        if not has:
            return Found(rows, f"None of the {len(self.plays):,} plays was of a song in the catalogue.")
        were = "was of a song" if has == 1 else "were of songs"
        return Found(rows, f"{some_of(has, len(self.plays), 'play')} {were} in the catalogue.")

    def missing_artists(self) -> Found:
        missing = [play for play in self.plays if not play.is_catalogued]
        ranked = self._ranked(lambda play: play.artist, missing)
        alike = Counter(count for _, count in ranked)
        known = {play.artist for play in missing if play.is_artist_catalogued}
        titles = defaultdict(set)
        for play in missing:
            titles[play.artist].add(play.title)
        rows = [(a, a in known, count, len(titles[a]), alike[count]) for a, count in ranked[:10]]
        if not rows:
            return Found(rows, None)
        artist, _, most, songs, tied = rows[0]
        if len(rows) == 1:
            of = f"{several(most, 'play')} of {several(songs, 'song')}"
            words = f"All missing songs that were played are by {artist}: {of}."
        elif most == 1:
            words = "No artist has more than one play of a missing song."
        elif tied == 1:
            words = f"The most played missing songs are by {artist}: {most:,} plays of {several(songs, 'song')}."
        elif tied <= 3:
            names = together(f"{row[0]} ({several(row[3], 'song')})" for row in rows[:tied])
            words = f"The most played missing songs are by {names}, with {most:,} plays each."
        else:
            words = f"{tied:,} artists tie, with {most:,} plays of missing songs each."
        absent = sum(1 for row in rows if not row[1])
        if len(rows) == 1:
            words += f" The catalogue has {'no song' if absent else 'other songs'} by this artist."
        elif absent:
            some = "any" if absent == len(rows) else absent
            words += f" The catalogue has no song at all by {some} of the {len(rows)} artists shown."
        else:
            words += f" The catalogue has other songs by all {len(rows)} artists shown."
        return Found(rows, words + self._rest(ranked, "artist"))


QUESTIONS: dict[str, Callable[[Findings], Found]] = {
    "plays_by_day": Findings.plays_by_day,
    "listeners_by_day": Findings.listeners_by_day,
    "levels": Findings.levels_,
    "hours": Findings.hours,
    "session_lengths": Findings.session_lengths,
    "session_plays": Findings.session_plays,
    "top_songs": Findings.top_songs,
    "song_weeks": Findings.song_weeks,
    "top_artists": Findings.top_artists,
    "artist_weeks": Findings.artist_weeks,
    "top_listeners": Findings.top_listeners,
    "places": Findings.places,
    "browsers": Findings.browsers,
    "funnel": Findings.funnel,
    "level_changes": Findings.level_changes,
    "retention": Findings.retention,
    "catalogue_weeks": Findings.catalogue_weeks,
    "missing_artists": Findings.missing_artists,
}


def findings_of(events: Iterable[Record], songs: Iterable[Record]) -> tuple[dict[str, Found], dict[str, str]]:
    """What the report must say to each question, and the figures at its head."""
    findings = Findings(list(events), list(songs))
    return {name: found(findings) for name, found in QUESTIONS.items()}, findings.head()
