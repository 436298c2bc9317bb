"""What a load says of a delivery that may be incomplete: files without a record, days without events."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from benches import Bench
from projects import Project, source_beside
from records import make_event, make_song


def on(day: str, **changes: object) -> dict[str, object]:
    """An event of that day."""
    last_moment = datetime.fromisoformat(f"{day}T23:59:59.999").replace(tzinfo=UTC)
    return make_event(ts=round(last_moment.timestamp() * 1000), **changes)


def test_days_without_events_next_to_the_days_of_a_load(engine: Bench) -> None:
    engine.put("song_data/1.json", make_song())
    assert engine.load(only="songs").missing_days == []
    engine.put("log_data/1.json", on("2018-11-01"), on("2018-11-02"), on("2018-11-04"))
    assert engine.load().missing_days == ["2018-11-03"]
    engine.put("log_data/2.json", on("2018-11-05"))
    assert engine.load().missing_days == []
    engine.build(tests=False)
    engine.put("log_data/3.json", on("2018-11-08"))
    assert engine.load().missing_days == ["2018-11-06", "2018-11-07"]
    engine.put("log_data/4.json", on("2018-11-06"))  # late
    assert engine.load().missing_days == ["2018-11-07"]
    engine.build(tests=False)
    engine.put("log_data/5.json", on("2019-02-08"))  # far from all others
    found = engine.load().missing_days
    assert (found[0], found[-1], len(found)) == ("2018-11-09", "2019-02-07", 91)
    engine.put("log_data/6.json", on("2018-08-08"), on("2018-11-07"))
    found = engine.load().missing_days
    assert (found[0], found[-1], len(found)) == ("2018-08-09", "2018-11-03", 85)


@pytest.mark.parametrize(("name", "content"), [("2.json", b""), ("2", b"\xef\xbb\xbf\r\n \n"), ("2.jsonl", b"\n\n")])
def test_files_without_a_record_are_named(reader: Bench, name: str, content: bytes) -> None:
    reader.put("log_data/1.json", make_event())
    reader.put(f"log_data/{name}", content)
    report = reader.load(only="events")
    assert report.empty_files == [f"log_data/{name}"]
    assert report.rows == {"staging_events": 1}


def test_a_file_whose_records_are_all_rejected_is_not_empty(reader: Bench) -> None:
    reader.put("log_data/1.json", make_event())
    reader.put("log_data/2.json", "{}")
    assert reader.load(only="events", max_errors=1).empty_files == []


def test_the_summary_of_a_run_says_both(played: Project) -> None:
    source = source_beside(played)
    for day in ("2018-11-05", "2018-11-07"):
        (source / f"log_data/{day}.json").write_text(json.dumps(on(day)))
    (source / "log_data/empty.json").touch()
    done = played.invoke("run", "--source", str(source))
    assert done.returncode == 0, done.stderr
    assert "\n1 empty file: log_data/empty.json\n" in done.stdout
    assert "\nNo events on 2018-11-02 and 3 more days\n" in done.stdout
    (source / "log_data/2018-11-09.json").write_text(json.dumps(on("2018-11-09")))
    report = json.loads(played.invoke("load", "--json", "--source", str(source)).stdout)
    assert (report["missing_days"], report["empty_files"]) == (["2018-11-08"], [])
