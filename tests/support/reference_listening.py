"""The reference of the findings on how much people listen, when, and for how long."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from reference_plays import Found, Plays
from reference_words import WEEKDAYS, average, lasting, long, several, share, some_of, together

MINUTES = (0, 1, 5, 15, 30, 60, 120)
SIZES = (0, 1, 2, 6, 11, 21, 51)


class Listening(Plays):
    def plays_by_day(self) -> Found:
        counts = Counter((play.day, play.level) for play in self.plays)
        rows = [(day, self.is_whole(day), level, counts[day, level]) for day in self.days for level in self.levels]
        if not self.plays:
            return Found(rows, None)
        of_day = Counter(play.day for play in self.plays)
        total, paid = len(self.plays), sum(1 for play in self.plays if play.level == "paid")
        most, average_day, busiest = self._peak(of_day)
        if total == 1:
            by = {"paid": "1 paid listener", "free": "1 free listener", "unknown": "1 listener of unknown level"}
            return Found(rows, f"There was 1 play, by {by[self.plays[0].level]}, on {long(busiest[0])}.")
        start = f"There were {total:,} plays, {share(paid, total) if total >= 30 else paid} of them by paid listeners"
        if most == total:
            return Found(rows, f"{start}, all on {long(busiest[0])}.")
        start += f". The average day had {average_day}; the" if average_day else ". The"
        if len(busiest) == 1:
            return Found(rows, f"{start} busiest day, {long(busiest[0])}, had {most:,}.")
        if len(busiest) <= 3:
            return Found(rows, f"{start} busiest days, {together(map(long, busiest))}, had {most:,} each.")
        return Found(rows, f"{start} {len(busiest)} busiest days had {most:,} each.")

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
            return Found(
                rows, f"The average day had {average_day} listeners; the most on one day was {most:,}, on {on}."
            )
        return Found(rows, f"The most on one day was {several(most, 'listener')}, on {on}.")

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
        for level, one, more in (
            ("paid", "paid listener", "paid listeners"),
            ("free", "free listener", "free listeners"),
            ("unknown", "listener of unknown level", "listeners of unknown level"),
        ):
            if level in users:
                count = len(users[level])
                each = f" ({average(plays[level], count)} each)" if count > 1 else ""
                parts.append(f"{count:,} {one if count == 1 else more} made {several(plays[level], 'play')}{each}")
        words = "; ".join(parts) + "."
        extra = sum(map(len, users.values())) - everyone
        if extra:
            both = f"{extra:,} played on both levels and {'is' if extra == 1 else 'are'} counted in each"
            why = both if len(users) == 2 else "those who played on several levels are counted in each"
            words += f" There {'was' if everyone == 1 else 'were'} {several(everyone, 'listener')} in all; {why}."
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
            return Found(rows, f"Too few plays to say: {total} on whole days, and at least 30 are needed.")
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
            return (
                f"Weekdays cannot be compared yet: at least 2 whole days of each are needed, and the data has {there} "
                "in all."
            )
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
            return Found(rows, f"The only session {had}.")
        singles = f"{some_of(single, len(sessions), 'session')} had a single event"
        if not longest:
            return Found(rows, f"No session lasted as long as a second. {singles}.")
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
            means += [f"{level} {average(sum(own), len(own))}"] if own else []
        return f" ({', '.join(means)})" if len(means) == 2 else ""

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
            return Found(rows, f"The only session had {several(most, 'play') if most else 'no plays'}.")
        if not heard:
            return Found(rows, f"None of the {len(sessions):,} sessions had any plays.")
        words = f"{average(sum(plays for _, plays in heard), len(heard))} plays on average{self._on_each_level(heard)}."
        words += f" The most in one session was {most:,}."
        none = len(sessions) - len(heard)
        if not none:
            return Found(rows, f"Every session had plays: {words}")
        return Found(rows, f"Sessions with plays had {words} {some_of(none, len(sessions), 'session')} had none.")
