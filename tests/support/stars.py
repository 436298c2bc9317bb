"""The star of a warehouse, held to the one that plain Python makes of the same records."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from benches import Bench
from reference import star

from pipeline.source.simulate import Simulation, simulate

Record = dict[str, Any]


COLUMNS = {
    "songplays": "songplay_id, start_time, user_id, level, song_id, artist_id, session_id, location, user_agent, "
    "item_in_session, heard_song_id, user_agent_id, song_duration",
    "users": "user_id, first_name, last_name, gender, level, registered_at, first_seen_at, last_seen_at",
    "songs": "song_id, title, artist_id, year, duration, is_catalogued",
    "artists": "artist_id, name, location, latitude, longitude, is_catalogued",
    "time": "start_time, hour, day, week, month, year, weekday",
    "user_levels": "user_id, level, valid_from, valid_to, is_current, previous_level",
    "sessions": "session_key, session_id, user_id, started_at, ended_at, level, event_count, play_count, "
    "listening_seconds, duration_seconds",
}


def assert_star(bench: Bench, events: list[Record], songs: list[Record]) -> None:
    expected = star(events, songs)
    for table, columns in COLUMNS.items():
        found = bench.rows(f"select {columns} from {table}")
        assert len(found) == len(set(found)), f"{table} has a row twice"
        assert set(found) == expected[table], table


def messy(
    folder: Path, seed: int, *, events: int = 3000, users: int = 30, songs: int = 400
) -> tuple[list[Record], list[Record]]:
    """A simulated source's records, made worse: repeats, contradictions, other spellings, further recordings."""
    simulate(folder, Simulation(events=events, users=users, songs=songs, days=10, seed=seed))
    read = [json.loads(line) for path in sorted(folder.glob("log_data/**/*.json")) for line in path.open()]
    catalogue = [json.loads(path.read_text()) for path in sorted(folder.glob("song_data/**/*.json"))]
    draw = random.Random(seed)  # noqa: S311
    delivered = list(read)
    for event in draw.sample(read, len(read) // 10):
        delivered.append(dict(event))  # delivered again
        changed = draw.choice(["level", "song", "artist", "length", "page", "userAgent", "location"])
        values = {
            "level": draw.choice(["free", "paid"]),
            "song": draw.choice(["Aaa", "zzz", None]),
            "artist": draw.choice(["Aaa", "zzz", None]),
            "length": draw.choice([1.5, 999.25, None]),
            "page": draw.choice(["Home", "NextSong"]),
            "userAgent": draw.choice(['"Agent/2"', None]),
            "location": draw.choice(["", None, "Akron, OH"]),
        }
        delivered.append({**event, changed: values[changed]})
    heard = [event for event in read if event["song"]]
    for event in draw.sample(heard, len(heard) // 15):
        spelling = draw.choice([str.upper, str.lower, lambda text: f" {text} "])
        delivered.append(
            {
                **event,
                "song": spelling(event["song"]) if event["song"].isascii() else event["song"],
                "itemInSession": event["itemInSession"] + 500,
                "ts": event["ts"] + draw.choice([0, 1, -86_400_000]),
            }
        )
    for song in draw.sample(catalogue, len(catalogue) // 7):
        catalogue.append(
            {**song, "song_id": song["song_id"] + "X", "duration": song["duration"] + draw.choice([0, 1.5])}
        )
        catalogue.append(
            {**song, "artist_id": "AR0" + song["artist_id"], "song_id": song["song_id"] + "Y", "title": "Other"}
        )
        catalogue.append({**song, "title": draw.choice([song["title"], "Aaa"])})
        nameless = {"artist_name": draw.choice([None, ""]), "title": draw.choice([None, "", song["title"]])}
        catalogue.append({**song, **nameless, "song_id": song["song_id"] + "Z"})
    return delivered, catalogue
