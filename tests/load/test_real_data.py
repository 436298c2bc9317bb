"""Real data, held against figures that an independent program counted. Skipped where the data is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from duckdb_file import rows
from projects import REAL_DATA, Project
from reference import repaired

pytestmark = pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real data is not beside this checkout")

DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]


@pytest.fixture(scope="module")
def database(real: Project) -> Path:
    return real.database


def test_counts(database: Path, golden: dict[str, Any]) -> None:
    assert rows(database, "select count(*) from stg_events") == [(golden["events"],)]
    assert rows(database, "select count(*) from songplays") == [(golden["nextsong"],)]
    assert rows(database, "select count(*) from users") == [(golden["users"]["distinct_userid_all_events_nonempty"],)]
    assert rows(database, "select count(*) from time") == [(golden["distinct_start_time"]["nextsong"],)]
    catalogue = golden["songs_bucket_subset"]
    assert rows(database, "select count(*) from songs where is_catalogued") == [(catalogue["distinct_song_id"],)]
    assert rows(database, "select count(*) from artists where is_catalogued") == [(catalogue["distinct_artist_id"],)]
    assert rows(database, "select count(*) from songs where is_catalogued and year is null") == [(catalogue["year0"],)]
    assert rows(database, "select count(*) from sessions") == [
        (golden["sessions"]["distinct_(user,session)_all_nonempty"],)
    ]
    assert rows(database, "select count(*) from songs where not is_catalogued") == [
        (
            golden["distinct_event_(song,artist)"]
            - golden["join_bucket_subset"]["exact_title_artist"]["distinct_song_ids"],
        )
    ]


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("plays_by_day", "select strftime(start_time, '%Y-%m-%d'), count(*) from songplays group by 1"),
        ("events_by_day", "select strftime(event_at, '%Y-%m-%d'), count(*) from stg_events group by 1"),
        ("events_by_page", "select page, count(*) from stg_events group by 1"),
        ("plays_by_hour_utc", "select hour::varchar, count(*) from songplays join time using (start_time) group by 1"),
        ("plays_by_level", "select level, count(*) from songplays group by 1"),
        ("plays_by_gender", "select gender, count(*) from songplays join users using (user_id) group by 1"),
        (
            "plays_by_iso_week",
            "select year || '-W' || week, count(*) from songplays join time using (start_time) group by 1",
        ),
    ],
)
def test_plays_by(database: Path, golden: dict[str, Any], name: str, sql: str) -> None:
    assert dict(rows(database, sql)) == golden[name]


def test_plays_by_weekday(database: Path, golden: dict[str, Any]) -> None:
    found = rows(database, "select weekday, count(*) from songplays join time using (start_time) group by 1")
    assert {DAYS[weekday]: count for weekday, count in found} == golden["plays_by_weekday"]


def test_top_artists_and_songs_with_their_names_repaired(database: Path, golden: dict[str, Any]) -> None:
    artists = rows(database, "select name, count(*) from songplays join artists using (artist_id) group by 1")
    top = [[repaired(name), count] for name, count in golden["top10_artists"]]
    assert sorted(map(list, artists), key=lambda row: (-row[1], row[0]))[: len(top)] == top
    titles = dict(rows(database, "select title, count(*) from songplays join songs using (song_id) group by 1"))
    for title, count in golden["top10_song_titles"]:
        assert titles[repaired(title)] == count
    pairs = {
        (title, name): count
        for title, name, count in rows(
            database,
            "select title, name, count(*) from songplays join songs using (song_id) "
            "join artists on songplays.artist_id = artists.artist_id group by 1, 2",
        )
    }
    for title, name, count in golden["top10_(song,artist)"]:
        assert pairs[repaired(title), repaired(name)] == count


def test_plays_of_catalogued_songs(database: Path, golden: dict[str, Any]) -> None:
    exact = golden["join_bucket_subset"]["exact_title_artist"]
    found = rows(
        database,
        "select title, name, song_id, artist_id, count(*) from songplays join songs using (song_id, artist_id) "
        "join artists using (artist_id) where songs.is_catalogued group by all",
    )
    assert sorted(map(list, found)) == sorted(exact["top"])
    assert sum(row[4] for row in found) == exact["events_matched"]


def test_browsers_and_systems(database: Path, golden: dict[str, Any]) -> None:
    plays = "from songplays join user_agents using (user_agent_id) group by all"
    system = "os || coalesce(' ' || os_version, '')"

    def counted(columns: str) -> list[list[Any]]:
        return sorted([list(row) for row in rows(database, f"select {columns}, count(*) {plays}")])

    assert counted("browser") == sorted(golden["plays_by_browser"])
    assert counted("os") == sorted(golden["plays_by_os"])
    assert counted("device") == sorted(golden["plays_by_device"])
    assert counted("browser, os") == sorted(golden["plays_by_browser_os"])
    assert counted(f"browser, {system}") == sorted(golden["plays_by_browser_os_major"])


def test_users_as_last_seen(database: Path, golden: dict[str, Any]) -> None:
    found = rows(database, "select user_id, first_name, last_name, gender, level from users order by user_id")
    assert [list(row) for row in found] == golden["users"]["table_latest_all_events"]


def test_level_stretches(database: Path, golden: dict[str, Any]) -> None:
    changes: dict[str, list[list[str]]] = {}
    for user_id, start, level in rows(
        database, "select user_id, strftime(valid_from, '%Y-%m-%d %H:%M:%S.%f'), level from user_levels order by all"
    ):
        changes.setdefault(str(user_id), []).append([start, level])
    assert {user: stretches for user, stretches in changes.items() if len(stretches) > 1} == golden["level_changes"]


def test_listening_time(database: Path, golden: dict[str, Any]) -> None:
    assert (
        float(rows(database, "select sum(listening_seconds) from sessions")[0][0]) == golden["listening_seconds_total"]
    )


def test_longest_sessions(database: Path, golden: dict[str, Any]) -> None:
    found = rows(database, "select session_id, play_count from sessions order by play_count desc, session_id limit 3")
    assert [list(row) for row in found] == golden["sessions"]["longest_sessions"]


def test_the_seeds_question(database: Path, golden: dict[str, Any]) -> None:
    found = rows(
        database,
        "select s.artist_id, s.song_id, s.user_id, count(*) from songplays s inner join time t "
        "on s.start_time = t.start_time where t.month = 11 group by s.artist_id, s.song_id, s.user_id",
    )
    assert sum(row[3] for row in found) == golden["nextsong"]
