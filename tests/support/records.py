"""Records of a source as the real ones are."""

from __future__ import annotations

from typing import Any


def make_event(**changes: Any) -> dict[str, Any]:
    """A play as the log has it, with some values changed."""
    return {
        "artist": "Ann",
        "auth": "Logged In",
        "firstName": "Ava",
        "gender": "F",
        "itemInSession": 0,
        "lastName": "Stone",
        "length": 200.5,
        "level": "free",
        "location": "Fargo, ND-MN",
        "method": "PUT",
        "page": "NextSong",
        "registration": 1540919166796.0,
        "sessionId": 1,
        "song": "Tune",
        "status": 200,
        "ts": 1541105830796,
        "userAgent": "Agent/1",
        "userId": "7",
        **changes,
    }


def make_song(**changes: Any) -> dict[str, Any]:
    """A song of the catalogue, with some values changed."""
    return {
        "artist_id": "AR1",
        "artist_latitude": None,
        "artist_location": "",
        "artist_longitude": None,
        "artist_name": "Ann",
        "duration": 200.5,
        "num_songs": 1,
        "song_id": "SO1",
        "title": "Tune",
        "year": 0,
        **changes,
    }
