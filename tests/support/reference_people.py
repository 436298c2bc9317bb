"""The reference of the findings on who listens, who comes to pay, and who comes back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from reference_plays import Found, Plays
from reference_words import lasting, monday, several, share, short, some_of, together


class People(Plays):
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
            return Found(rows, f"U{users[1:]} played the most, {several(count, 'song')} each.{rest}")
        now_on = {"free": "now on free", "paid": "now on paid", "unknown": "of unknown level"}[level]
        time = lasting(int(seconds.quantize(Decimal(1), ROUND_HALF_UP)))
        songs = several(count, "song")
        words = f"User {user} ({now_on}) played the most: {songs} on {several(days, 'day')}, {time} in all."
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
            some = some_of(count, total, "play")
            words = f"The leading place was {place}, with {some} by {several(people, 'listener')}."
        elif tied <= 3:
            names = together(f"{row[0]} ({several(row[2], 'listener')})" for row in rows[:tied])
            words = f"The leading places were {names}, with {several(count, 'play')} each."
        else:
            words = f"{tied:,} places tie, with {several(count, 'play')} each."
        words += f" The place of {several(unknown, 'play')} is unknown." if unknown else ""
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
            return Found(rows, "No play came from a known browser.")
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
        words += f" The browser of {several(unknown, 'play')} is unknown." if unknown else ""
        return Found(rows, words)

    @staticmethod
    def _leading(names: Iterable[str]) -> tuple[int, list[str]]:
        counts = Counter(name for name in names if name != "Other")
        most = max(counts.values(), default=0)
        return most, sorted(name for name in counts if counts[name] == most)

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
            return Found(rows, f"One user began on free and has {'' if paid else 'not '}moved to paid.")
        rate = f" ({share(paid, len(began))})" if len(began) >= 30 else ""
        return Found(
            rows,
            f"Of {several(len(began), 'user')} who began on free, {steps[1]:,} opened the upgrade page, {steps[2]:,} "
            f"submitted an upgrade and {paid:,} moved to paid{rate}.",
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
            return Found(rows, f"{words}. No week stands out: the most in one week was {several(most, 'change')}.")
        if len(busiest) == 1:
            return Found(rows, f"{words}. The busiest was the week of {short(busiest[0])}, with {most} changes.")
        return Found(
            rows, f"{words}. The busiest were the weeks of {together(map(short, busiest))}, with {most} changes each."
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
            return Found(
                rows, "Retention cannot be measured yet: the data has no whole week after a week of first plays."
            )
        back = sum(1 for weeks in counted if min(weeks) + timedelta(7) in weeks)
        words = f"{some_of(back, len(counted), 'listener')} came back the week after their first."
        left = len(weeks_of) - len(counted)
        if left:
            words += (
                f" {left:,} more listener{' is' if left == 1 else 's are'} left out, as their next week is incomplete."
            )
        return Found(rows, words)
