"""The simulator: the same seed gives the same bytes, with every trap of the real data."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from reference import repaired

from pipeline.errors import UsageError
from pipeline.source.simulate import Simulation, simulate

SIZES = {"events": 8_000, "users": 97, "songs": 1_500, "days": 30}


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return total.hexdigest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "source"
    simulate(folder, Simulation(**SIZES))
    return folder


@pytest.fixture(scope="module")
def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob("log_data/*/*/*.json")) for line in path.open()]


@pytest.fixture(scope="module")
def songs(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in folder.glob("song_data/*/*/*/TR*.json")]


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(folder: Path, tmp_path: Path) -> None:
    simulate(tmp_path / "again", Simulation(**SIZES))
    assert digest(tmp_path / "again") == digest(folder)
    simulate(tmp_path / "other", Simulation(**SIZES, seed=2))
    assert digest(tmp_path / "other") != digest(folder)


def test_layout_and_form_of_the_files(folder: Path, events: list[Any], songs: list[Any]) -> None:
    assert len(events) == SIZES["events"]
    assert len(songs) == SIZES["songs"]
    for path in folder.glob("log_data/*/*/*.json"):
        day = path.name.removesuffix("-events.json")
        assert path.parent.as_posix().endswith(f"log_data/{day[:4]}/{day[5:7]}")
        assert not path.read_bytes().endswith(b"\n")
    for path in list(folder.glob("song_data/*/*/*/*.json"))[:50]:
        assert path.name[2:5] == "".join(path.parts[-4:-1])
        assert b"\n" not in path.read_bytes()
    paths = json.loads((folder / "log_json_path.json").read_text())["jsonpaths"]
    assert [f"$['{key}']" for key in events[0]] == paths


def test_events_are_in_order_and_belong_to_their_day(folder: Path) -> None:
    for path in folder.glob("log_data/*/*/*.json"):
        times = [json.loads(line)["ts"] for line in path.open()]
        assert times == sorted(times)
        assert len({time // 86_400_000 for time in times}) == 1


def test_traps_of_the_events(events: list[dict[str, Any]]) -> None:
    plays = [event for event in events if event["page"] == "NextSong"]
    logged_out = [event for event in events if event["userId"] == ""]
    assert 0.80 < len(plays) / len(events) < 0.90
    assert 0.02 < len(logged_out) / len(events) < 0.06
    nothing = "firstName lastName gender location registration userAgent artist song length".split()
    assert all(event[name] is None for event in logged_out for name in nothing)
    assert {event["auth"] for event in logged_out} == {"Logged Out"}
    assert all((event["song"] is None) == (event["page"] != "NextSong") for event in events)
    assert len({(event["sessionId"], event["itemInSession"]) for event in events}) == len(events)
    users = {event["sessionId"] for event in events if event["userId"]}
    assert len({event["sessionId"] for event in logged_out} & users) > 10

    encoded = [
        event
        for event in plays
        if repaired(event["artist"]) != event["artist"] or repaired(event["song"]) != event["song"]
    ]
    assert 0.01 < len(encoded) / len(events) < 0.08
    agents = {event["userAgent"] for event in events} - {None}
    assert 0.4 < sum(agent.startswith('"') for agent in agents) / len(agents) < 0.9
    assert all(isinstance(event["userId"], str) for event in events)
    assert len({event["ts"] for event in plays}) < len(plays)


def test_levels_change_and_the_event_that_submits_it_has_the_old_one(events: list[dict[str, Any]]) -> None:
    by_user = defaultdict(list)
    for event in sorted(events, key=lambda event: (event["ts"], event["sessionId"], event["itemInSession"])):
        by_user[event["userId"]].append(event)
    del by_user[""]
    changing = 0
    for own in by_user.values():
        levels = [event["level"] for event in own]
        changes = sum(a != b for a, b in pairwise(levels))
        submits = [event for event in own if event["page"].startswith("Submit")]
        assert changes == len(submits)
        assert all(event["level"] == ("free" if event["page"] == "Submit Upgrade" else "paid") for event in submits)
        changing += changes > 0
    assert 3 <= changing <= 20


def test_songs_are_played_by_a_zipf_law_and_listeners_have_habits(events: list[dict[str, Any]]) -> None:
    plays = [event for event in events if event["page"] == "NextSong"]
    songs = Counter((event["artist"], event["song"]) for event in plays)
    ranked = [count for _, count in songs.most_common()]
    assert ranked[0] > 20
    assert sum(ranked[: len(ranked) // 10]) > 0.3 * len(plays)
    assert ranked[-1] == 1
    hours = Counter(event["ts"] // 3_600_000 % 24 for event in plays)
    assert max(hours.values()) > 4 * min(hours.values())
    assert len({(event["firstName"], event["lastName"]) for event in plays}) < len({event["userId"] for event in plays})


def test_traps_of_the_songs(songs: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
    share = {
        "year": sum(song["year"] == 0 for song in songs) / len(songs),
        "place": sum(song["artist_location"] == "" for song in songs) / len(songs),
        "coordinates": sum(song["artist_latitude"] is None for song in songs) / len(songs),
    }
    assert 0.25 < share["year"] < 0.35
    assert 0.35 < share["place"] < 0.55
    assert 0.55 < share["coordinates"] < 0.75
    assert any(isinstance(song["artist_name"], int) for song in songs)
    assert max(len(song["title"].encode()) for song in songs) > 256
    assert any(song["title"] in ("True", "1234", "3") for song in songs)
    assert any(song["title"] != song["title"].strip() for song in songs)
    assert any("\x18" in song["title"] or "\x19" in song["title"] for song in songs)
    assert any("\ufffd" in song["artist_location"] for song in songs)
    names = defaultdict(set)
    ids = defaultdict(set)
    for song in songs:
        names[song["artist_id"]].add(song["artist_name"])
        ids[song["artist_name"]].add(song["artist_id"])
    assert any(len(found) > 1 for found in names.values())
    assert any(len(found) > 1 for found in ids.values())
    durations = defaultdict(set)
    for song in songs:
        durations[song["title"], song["artist_name"]].add(song["duration"])
    assert any(len(found) > 1 for found in durations.values())
    catalogue = {(song["title"], str(song["artist_name"])) for song in songs}
    plays = [(repaired(event["song"]), repaired(event["artist"])) for event in events if event["song"]]
    assert 0.02 < sum(play in catalogue for play in plays) / len(plays) < 0.10


def test_what_it_did_not_write_is_not_overwritten(tmp_path: Path) -> None:
    small = Simulation(events=10, users=2, songs=2, days=1)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="thesis.txt"):
        simulate(mine, small)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]

    again = tmp_path / "again"
    simulate(again, small)
    simulate(again, Simulation(events=20, users=2, songs=2, days=1))
    assert sum(len(path.read_text().split("\n")) for path in again.glob("log_data/*/*/*")) == 20
    (again / "song_data.txt").write_text("mine")
    with pytest.raises(UsageError, match="song_data.txt"):
        simulate(again, small)
    (again / "song_data.txt").unlink()
    simulate(again, small)

    (again / "log_data" / "mine.json").write_text("{}")
    with pytest.raises(UsageError, match="not as the simulator left it"):
        simulate(again, small)
    (again / "log_data" / "mine.json").unlink()
    edited = next(again.glob("log_data/*/*/*.json"))
    edited.write_bytes(edited.read_bytes()[::-1])
    with pytest.raises(UsageError, match="not as the simulator left it"):
        simulate(again, small)
    other = tmp_path / ".new.partial"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="in the way"):
        simulate(tmp_path / "new", small)
    assert (other / "mine.txt").exists()


@pytest.mark.parametrize(
    "size", [{"events": 0}, {"users": 0}, {"songs": -1}, {"days": 0}, {"start": "tomorrow"}, {"seed": -1}]
)
def test_sizes_out_of_range_are_refused(tmp_path: Path, size: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"--{next(iter(size))}"):
        simulate(tmp_path / "source", Simulation(**size))


@pytest.mark.parametrize(
    "size", [{"events": 1}, {"events": 1, "users": 1, "songs": 1, "days": 1}, {"events": 5000, "days": 1, "users": 1}]
)
def test_small_and_lopsided_sizes_are_exact(tmp_path: Path, size: dict[str, Any]) -> None:
    simulate(tmp_path / "source", Simulation(**size))
    found = sum(len(path.read_text().split("\n")) for path in (tmp_path / "source").glob("log_data/*/*/*"))
    assert found == size["events"]
