"""Promise 5: a day's load costs the day, not the history. The server counts the rows that statements read and wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from benches import RedshiftBench, make_redshift_bench

from pipeline.source.simulate import Simulation, simulate
from redshift_stand_in import StandIn
from redshift_stand_in.scans import Scanned, count_scans, lay_zone_maps
from redshift_stand_in.stand_in import DATABASE

# Tables with rows of every day. What one day's rows are merged into and joined with besides is as long as there are
# users, sessions, songs and weeks; it may be read whole, a few times.
OF_EVENTS = (
    "staging.staging_events",
    "staging.stg_events",
    "analytics.songplays",
    "analytics.time",
    "analytics.hourly_plays",
    "analytics.daily_listening",
)
SCANS_OF_OTHERS = 16
SHORT, LONG = 4, 16


def history(folder: Path, days: int) -> list[Path]:
    """Event files of the first days of a simulation, and the one of the day after all of them."""
    files = sorted(folder.glob("log_data/**/*.json"))
    return [*files[LONG - days : LONG], files[LONG]]


def a_days_scans(bench: RedshiftBench, stand_in: StandIn, folder: Path, days: int) -> tuple[int, dict[str, Scanned]]:
    *before, new = history(folder, days)
    for path in [*folder.glob("song_data/**/*.json"), *before]:
        bench.put(path.relative_to(folder).as_posix(), path.read_bytes())
    bench.load()
    bench.build(tests=False)
    lay_zone_maps(stand_in.postgres, DATABASE)
    count_scans(stand_in.postgres, DATABASE)
    bench.put(new.relative_to(folder).as_posix(), new.read_bytes())
    bench.load()
    bench.build(tests=False)
    return len(new.read_bytes().splitlines()), count_scans(stand_in.postgres, DATABASE)


def test_a_days_run_reads_and_writes_in_proportion_to_the_day(
    redshift_bench: RedshiftBench,
    stand_in: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    figures: Callable[..., None],
) -> None:
    folder = tmp_path / "simulated"
    simulate(folder, Simulation(events=200 * (LONG + 1), users=25, songs=80, days=LONG + 1, seed=4))
    events, short = a_days_scans(redshift_bench, stand_in, folder, SHORT)
    stand_in.reset()
    longer = make_redshift_bench({}, tmp_path / "longer", monkeypatch)
    _, long = a_days_scans(longer, stand_in, folder, LONG)
    nothing = Scanned(0, 0)
    for table in OF_EVENTS:
        assert 0 < long[table].written <= events, table
        assert long[table].read <= 1.05 * short.get(table, nothing).read + 5, table
        assert long[table].read <= 16 * events, table
    for table, scanned in long.items():
        if table not in (*OF_EVENTS, "staging.build_history", "staging.load_history"):
            rows = longer.rows(f"select count(*) from {table}")[0][0]
            assert scanned.read <= SCANS_OF_OTHERS * rows, (table, rows, scanned)
            assert scanned.written <= 4 * events, (table, scanned)
    of_events = sum(scanned.read for table, scanned in long.items() if table in OF_EVENTS)
    figures(5, f"event rows read for a day of {events} events, after {LONG} days", "stand-in", of_events)
