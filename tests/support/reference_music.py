"""The reference of the findings on what people listen to, and what the catalogue lacks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from reference_plays import Found, Play, Plays
from reference_words import several, short, some_of, together


class Music(Plays):
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
            return f"Weeks cannot be compared yet: at least two whole weeks are needed, and the data has {there}."
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
                f"Too few plays to show a rise: none of these {noun}s had 10 plays in any whole week after the first."
                f"{left}"
            )
        most = max(rise[0] for rise in rises)
        if most <= 0:
            return f"None of these {noun}s gained plays from one whole week to the next.{left}"
        rises = [rise for rise in rises if rise[0] == most]
        if len(rises) == 1:
            _, old, new, week, name = rises[0]
            return f"{name} rose most, from {old:,} to {several(new, 'play')}, in the week of {short(week)}.{left}"
        if len(rises) > 3:
            return f"{len(rises)} rises tie for the largest, {several(most, 'play')} each.{left}"
        names = together(f"{name} ({old} to {new}, week of {short(week)})" for _, old, new, week, name in rises)
        return f"{names} share the largest rise, {several(most, 'play')} more than the week before.{left}"

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
            return Found(rows, f"The only play was of a song {'in' if has else 'that is not in'} the catalogue.")
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
            words += f" The catalogue has {'no songs' if absent else 'other songs'} by this artist."
        elif absent:
            some = "any" if absent == len(rows) else absent
            words += f" The catalogue has no songs by {some} of the {len(rows)} artists shown."
        else:
            words += f" The catalogue has other songs by all {len(rows)} artists shown."
        return Found(rows, words + self._rest(ranked, "artist"))
