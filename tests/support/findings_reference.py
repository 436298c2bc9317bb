"""The report's findings worked out in plain Python, row by row and word by word, to hold the report against.

It shares no code with the report and knows no SQL: from the records of the JSON files it makes the star (reference.py),
and from that the figures and the sentences of every question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reference import Record
from reference_listening import Listening
from reference_music import Music
from reference_people import People
from reference_plays import Found


class Findings(Listening, Music, People):
    """All questions of the report, each a method."""


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
