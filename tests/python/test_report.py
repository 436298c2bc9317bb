"""Every number of the report, held against plain SQL on the tables of the star; on real data against golden figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from projects import Project, a_copy
from records import make_event, make_song
from reference import repaired
from report_page import ReportPage

ARTISTS = "songplays join artists using (artist_id)"
SONGS = "songplays join songs using (song_id) join artists on songplays.artist_id = artists.artist_id"
WEEK = "date_trunc('week', start_time)::date"
TOP_ARTISTS = (
    f"(select artist_id, count(*) as n from {ARTISTS} group by artist_id, name order by n desc, name, 1 limit 10)"
)
TOP_SONGS = f"(select song_id, count(*) as n from {SONGS} group by song_id, title, name order by n desc, title, name, 1 limit 10)"
CHANGES = (
    "(select valid_from, level, lag(level) over (partition by user_id order by valid_from) as was from user_levels "
    "qualify was is not null)"
)
BEGAN_FREE = (
    "(select user_id, arg_min(level, event_at) as level, bool_or(is_play) as played, bool_or(page = 'Upgrade') as saw, "
    "bool_or(page = 'Submit Upgrade') as sent, bool_or(level = 'paid') as paid from stg_events "
    "where user_id is not null group by 1)"
)
FIRST_WEEKS = f"(select user_id, min({WEEK}) as first_week from songplays group by 1)"
LISTENER_WEEKS = f"(select distinct user_id, {WEEK} as week from songplays)"

# What the table below each chart must have: the same question to other tables than those that the report asks.
FIGURES = {
    "plays_by_day": "select start_time::date, level, count(*) from songplays group by all order by all",
    "listeners_by_day": "select start_time::date, level, count(distinct user_id) from songplays group by all order by all",
    "levels": "select level, count(*), count(distinct user_id), sum(song_duration) from songplays group by 1 order by 1",
    "hours": "select weekday, hour, count(*) from songplays join time using (start_time) group by all order by all",
    "sessions": "select case when n <= 1 then n when n <= 5 then 2 when n <= 10 then 6 when n <= 20 then 11 when n <= 50 "
    "then 21 else 51 end as size, level, count(*), sum(n), sum(seconds), max(n) from (select user_id, session_id, "
    "count(*) filter (is_play) as n, arg_min(level, (event_at, item_in_session)) as level, epoch(date_trunc('second', "
    "max(event_at))) - epoch(date_trunc('second', min(event_at))) as seconds from stg_events where user_id is not null "
    "group by all) group by all order by all",
    "top_songs": f"select title, name, is_catalogued, n from (select title, name, songs.is_catalogued, song_id, "
    f"count(*) as n from {SONGS} group by all) order by n desc, title, name, song_id limit 10",
    "top_artists": f"select name, is_catalogued, n, s from (select artist_id, name, is_catalogued, count(*) as n, "
    f"count(distinct song_id) as s from {ARTISTS} group by all) order by n desc, name, artist_id limit 10",
    "song_weeks": f"select song_id, title, name, {WEEK} as week, n, count(*) from {SONGS} join {TOP_SONGS} using (song_id) "
    "group by all order by n desc, title, name, song_id, week",
    "artist_weeks": f"select artist_id, name, {WEEK} as week, n, count(*) from {ARTISTS} join {TOP_ARTISTS} "
    "using (artist_id) group by all order by n desc, name, artist_id, week",
    "top_listeners": "select user_id, users.level, count(*) as n, sum(song_duration), count(distinct start_time::date) "
    "from songplays join users using (user_id) group by all order by n desc, user_id limit 10",
    "places": "select coalesce(location, 'Unknown') as place, count(*) as n, count(distinct user_id) from songplays "
    "group by 1 order by n desc, place limit 10",
    "browsers": "select browser, os, count(*) as n, count(distinct user_id) from songplays join user_agents "
    "using (user_agent_id) group by 1, 2 order by n desc, browser, os",
    "funnel": "select count(*), count_if(played), count_if(played and saw), count_if(played and saw and sent), "
    f"count_if(played and saw and sent and paid) from {BEGAN_FREE} where level = 'free'",
    "level_changes": f"select date_trunc('week', valid_from)::date, level, count(*) from {CHANGES} group by all order by all",
    "retention": f"select first_week, (week - first_week) / 7, (select count(*) from {FIRST_WEEKS} f where f.first_week = "
    f"w.first_week), (select count(*) from {LISTENER_WEEKS} l join {FIRST_WEEKS} f using (user_id) where l.week = d.week "
    f"and f.first_week = w.first_week) from (select distinct first_week from {FIRST_WEEKS}) w join (select distinct "
    "date_trunc('week', date_day)::date as week from dates) d on d.week >= first_week order by all",
    "catalogue_weeks": f"select {WEEK}, count(*), count_if(songs.is_catalogued) from {SONGS} group by 1 order by 1",
    "missing_artists": f"select name, artists.is_catalogued, count(*) as n, count(distinct song_id) from {SONGS} "
    "where not songs.is_catalogued group by artists.artist_id, name, artists.is_catalogued "
    "order by n desc, name, artists.artist_id limit 10",
}

# The numbers of each finding, in their order.
FINDINGS = {
    "plays_by_day": "with d as (select start_time::date as d, count(*) as n from songplays group by 1 order by n desc, 1 "
    "limit 1) select round(100.0 * count_if(level = 'paid') / count(*)), count(*), any_value(day(d)), any_value(year(d)), any_value(n) "
    "from songplays, d",
    "levels": "select f.u, round(f.n / f.u, 1), p.u, round(p.n / p.u, 1), f.n + p.n, round((f.s + p.s) / 3600) from "
    "(select count(distinct user_id) u, count(*) n, sum(song_duration) s from songplays where level = 'free') f, "
    "(select count(distinct user_id) u, count(*) n, sum(song_duration) s from songplays where level = 'paid') p",
    "top_listeners": "select user_id, count(*), count(distinct start_time::date), round(sum(song_duration) / 3600) from "
    "songplays group by 1 order by 2 desc, 1 limit 1",
    "places": "select count(*) as n, count(distinct user_id) from songplays group by location order by n desc, location limit 1",
    "level_changes": f"select count_if(level = 'paid'), count_if(level = 'free') from {CHANGES}",
    "funnel": "select count(*), count_if(played and saw), count_if(played and saw and sent and paid), round(100.0 * "
    f"count_if(played and saw and sent and paid) / count(*), 1) from {BEGAN_FREE} where level = 'free'",
    "retention": f"select count(w.user_id), count(*), round(100.0 * count(w.user_id) / count(*)) from {FIRST_WEEKS} f left "
    f"join {LISTENER_WEEKS} w on f.user_id = w.user_id and w.week = first_week + 7 where first_week + 7 <= "
    "(select date_trunc('week', max(event_at)) from stg_events)",
    "catalogue_weeks": f"select count_if(songs.is_catalogued), count(*), round(100.0 * count_if(songs.is_catalogued) / "
    f"count(*), 1) from {SONGS}",
}


def as_shown(value: Any) -> str:
    """A value as the page's tables have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return str(int(number)) if number.is_integer() else str(number)


@pytest.fixture(scope="module")
def page(sample: Project) -> ReportPage:
    return ReportPage(sample.root / "sparkify_docs/report.html")


def test_every_question_is_held_against_plain_sql(page: ReportPage) -> None:
    assert set(page.articles) == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_those_of_plain_sql(sample: Project, page: ReportPage, name: str) -> None:
    expected = [[as_shown(value) for value in row] for row in sample.rows(FIGURES[name])]
    assert expected
    assert page.articles[name].figures == expected[:100]


@pytest.mark.parametrize("name", FINDINGS)
def test_findings_are_those_of_plain_sql(sample: Project, page: ReportPage, name: str) -> None:
    assert page.articles[name].numbers == [float(value) for value in sample.rows(FINDINGS[name])[0]]


def test_findings_that_name_what_leads(sample: Project, page: ReportPage) -> None:
    found = {name: article.finding for name, article in page.articles.items()}
    (title, artist, plays), *_ = sample.rows(
        f"select title, name, count(*) as n from {SONGS} group by song_id, title, name order by n desc, title, name limit 1"
    )
    assert f"“{title}” by {artist} was played most: {plays} times." in found["top_songs"]
    (artist, plays), *_ = sample.rows(
        f"select name, count(*) as n from {ARTISTS} group by artist_id, name order by n desc, name limit 1"
    )
    assert f"{artist} was played most: {plays} times." in found["top_artists"]
    hour, weekday = (
        sample.rows(
            f"select {column} from songplays join time using (start_time) group by 1 order by count(*) desc, 1"
        )[0][0]
        for column in ("hour", "strftime(start_time, '%A')")
    )
    assert f"from {hour}:00 to {(hour + 1) % 24}:00 UTC" in found["hours"]
    assert f"on {weekday}s (" in found["hours"]
    browser, share = sample.rows(
        "select browser, round(100 * count(*) / (select count(*) from songplays)) from songplays join user_agents "
        "using (user_agent_id) group by 1 order by count(*) desc limit 1"
    )[0]
    assert found["browsers"].startswith(f"{browser} plays {share:.0f}% of all songs")
    means = sample.rows("select avg(play_count) from sessions where play_count > 0 group by level order by level")
    assert f"{means[0][0]:.1f} songs on free and {means[1][0]:.1f} songs on paid" in found["sessions"]
    peaks = sample.rows(
        "select max(n) from (select level, count(distinct user_id) n from songplays group by level, start_time::date) "
        "group by level order by level"
    )
    assert page.articles["listeners_by_day"].numbers == [peaks[0][0], peaks[1][0]]
    for name, top, key, label in (
        ("song_weeks", TOP_SONGS, "song_id", "title"),
        ("artist_weeks", TOP_ARTISTS, "artist_id", "name"),
    ):
        gain, who = sample.rows(
            f"with w as (select songplays.{key}, {label} as label, {WEEK} as week, count(*) as n from {SONGS} join {top} as top "
            f"on songplays.{key} = top.{key} group by all), g as (select label, week, w.n - coalesce((select n from w as b where b.{key} = "
            f"w.{key} and b.week = w.week - 7), 0) as gain from w where week > (select min(week) + 7 from w) and week < (select max(week) from w)) "
            "select gain, label from g order by gain desc, week, label limit 1"
        )[0]
        assert f"{gain} plays more" in found[name]
        assert who in found[name]


def test_the_head_says_how_much_and_how_fresh(sample: Project, page: ReportPage) -> None:
    plays, listeners, seconds, songs, artists, sessions = sample.rows(
        "select count(*), count(distinct user_id), sum(song_duration), count(distinct song_id), count(distinct artist_id), "
        "count(distinct (user_id, session_id)) from songplays"
    )[0]
    assert page.head == {
        "plays": f"{plays:,}",
        "listeners": f"{listeners:,}",
        "hours": f"{seconds / 3600:,.1f}",
        "sessions": f"{sessions:,}",
        "songs": f"{songs:,}",
        "artists": f"{artists:,}",
    }
    assert page.counts == {table: sample.rows(f"select count(*) from {table}")[0][0] for table in page.counts}
    assert len(page.counts) == len(
        sample.rows("select 1 from information_schema.tables where table_schema = 'analytics'")
    )
    last = sample.rows("select max(event_at) from stg_events")[0][0]
    assert f"<strong>{last.day} {last:%B %Y, %H:%M} UTC</strong>" in page.text
    loaded = sample.rows("select max(loaded_at) from load_history")[0][0]
    assert f"Last loaded {loaded.day} {loaded:%B %Y, %H:%M} UTC from sample." in page.text


def test_every_article_has_its_sql_its_model_and_an_alternative_to_its_chart(sample: Project, page: ReportPage) -> None:
    manifest = json.loads((sample.root / "target/manifest.json").read_text())
    for name, article in page.articles.items():
        asked = [[as_shown(value) for value in row] for row in sample.rows(article.sql)]
        assert asked[:100] == article.figures, name
        assert article.link.rpartition("/")[2] in manifest["nodes"], name
        assert article.finding in article.chart["description"], name
        assert len(article.chart["description"]) > len(article.finding) + 20, name


def report_of(project: Project, folder: Path, event: dict[str, Any]) -> ReportPage:
    """The report of a warehouse of one event and one song."""
    for name, record in {"log_data/1.json": event, "song_data/A/1.json": make_song()}.items():
        path = folder / "source" / name
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(record))
    done = project.invoke("run", "-q", "--source", str(folder / "source"))
    assert done.returncode == 0, done.stderr
    return ReportPage(project.root / "sparkify_docs/report.html")


def test_what_is_empty_says_so_and_has_no_chart(project: Project, tmp_path: Path) -> None:
    page = report_of(project, tmp_path, make_event(page="Home", song=None, artist=None, length=None))
    drawn = {name for name, article in page.articles.items() if article.chart}
    assert drawn == {"sessions", "funnel"}  # a user who began on free had one session
    assert page.articles["sessions"].finding == "100% of all have none."
    assert all(article.empty for name, article in page.articles.items() if name not in drawn)
    assert page.head["plays"] == "0"


def test_one_play_is_enough_for_every_sentence(project: Project, tmp_path: Path) -> None:
    page = report_of(project, tmp_path, make_event(level=None, location=None, gender=None, song="<b>&</b>"))
    assert {name for name, article in page.articles.items() if not article.chart} == {"funnel", "level_changes"}
    assert "“<b>&</b>” by Ann was played most: 1 time." in page.articles["top_songs"].finding
    assert "<b>" not in page.text
    assert page.articles["plays_by_day"].figures == [["2018-11-01", "unknown", "1"]]


def test_charts_are_written_as_svg_for_both_grounds(sample: Project, tmp_path: Path) -> None:
    done = sample.invoke("report", "--charts", "hours,top_songs", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["hours-dark.svg", "hours-light.svg", "top_songs-dark.svg", "top_songs-light.svg"]
    for path in tmp_path.iterdir():
        assert "<path" in path.read_text()
        assert "var(--" not in path.read_text()
    refused = sample.invoke("report", "--charts", "hour", "--folder", str(tmp_path))
    assert (refused.returncode, "no chart called hour" in refused.stderr) == (2, True)


def test_a_report_that_could_not_be_written_leaves_none_and_is_made_up_for(sample: Project, tmp_path: Path) -> None:
    project = a_copy(sample, tmp_path)
    report = project.root / "sparkify_docs/report.html"
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("alter table analytics.hourly_plays rename to gone")
    failed = project.invoke("report")
    assert (failed.returncode, report.exists(), "Traceback" in failed.stderr) == (2, False, False)
    assert project.invoke("run", "-q").returncode == 0
    assert report.exists()


def test_real_data_gives_the_golden_figures(real: Project, golden: dict[str, Any]) -> None:
    page = ReportPage(real.root / "sparkify_docs/report.html")
    figures = {name: article.figures for name, article in page.articles.items()}

    def summed(name: str, key: int, value: int) -> dict[str, float]:
        sums: dict[str, float] = {}
        for row in figures[name]:
            sums[row[key]] = sums.get(row[key], 0) + float(row[value])
        return sums

    assert summed("plays_by_day", 0, 2) == golden["plays_by_day"]
    assert summed("plays_by_day", 1, 2) == golden["plays_by_level"]
    assert summed("levels", 0, 3) == golden["listening_seconds_by_level"]
    assert page.articles["levels"].numbers[-2:] == [golden["nextsong"], round(golden["listening_seconds_total"] / 3600)]
    by_hour: dict[str, int] = {}
    for _, hour, plays in real.rows(page.articles["hours"].sql):
        by_hour[str(hour)] = by_hour.get(str(hour), 0) + plays
    assert by_hour == golden["plays_by_hour_utc"]
    assert [[name, int(plays)] for name, _, plays, _ in figures["top_artists"]] == golden["top10_artists"]
    songs = {(title, artist): int(plays) for title, artist, _, plays in figures["top_songs"]}
    known = {(repaired(title), repaired(artist)): plays for title, artist, plays in golden["top10_(song,artist)"]}
    assert sorted(songs.values()) == sorted(known.values())
    least = min(known.values())
    assert {song for song in songs if songs[song] > least} == {song for song in known if known[song] > least}
    assert [[place, int(plays)] for place, plays, _ in figures["places"]] == golden["top10_locations_by_plays"]
    assert [[b, s, int(plays)] for b, s, plays, _ in figures["browsers"]] == golden["plays_by_browser_os"]
    assert [[int(user), level, int(plays)] for user, level, plays, *_ in figures["top_listeners"]] == [
        [user, level, plays] for user, _, level, plays in golden["top10_users_by_plays"]
    ]
    assert page.articles["level_changes"].numbers == [len(golden["level_changes"]), 0]
    assert page.articles["catalogue_weeks"].numbers[:2] == [
        golden["join_bucket_subset"]["exact_title_artist"]["events_matched"],
        golden["nextsong"],
    ]
    with_plays = [row for row in figures["sessions"] if row[0] != "0"]
    sessions, plays = (sum(int(row[column]) for row in with_plays) for column in (2, 3))
    assert plays / sessions == golden["sessions"]["mean_songs_per_session"]
    assert max(int(row[5]) for row in with_plays) == golden["sessions"]["max_songs_in_session"]
    assert page.head["listeners"] == str(golden["users"]["distinct_userid_nextsong"])
    assert figures["funnel"][0][4] == str(len(golden["submit_upgrade"]))
