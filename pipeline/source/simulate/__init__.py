"""A simulated source: a folder laid out like the bucket, with similar records and the same quirks.

Everything is drawn in DuckDB from a seed, in the order of its row numbers: the same seed and sizes give the same bytes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.console.display import counted
from pipeline.errors import MachineError, UsageError
from pipeline.settings import PROJECT_ROOT
from pipeline.source.simulate import vocabulary
from pipeline.source.simulate.folder import MARKER, check_folder, content_hash, put_in_place, remove_own, write_marker

if TYPE_CHECKING:
    import duckdb

    from pipeline.console.display import Display

HERE = Path(__file__).parent
SAMPLE = PROJECT_ROOT / "data" / "sample"
EVENTS_AT_ONCE = 1_000_000
DAY_MS = 86_400_000

LIMITS = {
    "events": (1, 100_000_000),
    "users": (1, 10_000_000),
    "songs": (1, 1_000_000),
    "days": (1, 3_660),
    "seed": (0, 2**31),
}

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Simulation:
    """The sizes of a simulated source. events is exact; songs is the number of song files."""

    events: int = 10_000
    users: int = 100
    songs: int = 1_000
    days: int = 30
    start: str = "2018-11-01"
    seed: int = 1

    @classmethod
    def from_flags(cls, **flags: str) -> Simulation:
        """Sizes from the texts of flags; an empty one is the default.

        Raises:
            UsageError: a size is not a number, or out of range.
        """
        sizes: dict[str, Any] = {}
        for name, text in flags.items():
            if name == "start" and text:
                sizes[name] = text
            elif text:
                try:
                    sizes[name] = int(text)
                except ValueError:
                    raise UsageError(f"--{name} is {text!r}; it must be a whole number.") from None
        simulation = cls(**sizes)
        simulation.check()
        return simulation

    def check(self) -> None:
        for name, (least, most) in LIMITS.items():
            if not least <= getattr(self, name) <= most:
                raise UsageError(f"--{name} is {getattr(self, name)}; it must be from {least:,} to {most:,}.")
        try:
            start = date.fromisoformat(self.start)
        except ValueError:
            raise UsageError(f"--start is {self.start!r}; it must be a date such as 2018-11-01.") from None
        if not 1971 <= start.year <= 2080:
            raise UsageError(f"--start is {self.start!r}; its year must be from 1971 to 2080.")


def ensure_sample(display: Display) -> str:
    """Make the small source that a run uses if none is given; return its folder."""
    if not (SAMPLE / MARKER).exists():
        display.say("No source given: simulating a small one (pass yours with --source).")
        simulate(SAMPLE, Simulation(), display.progress)
    return str(SAMPLE)


def simulate_folder(name: str, simulation: Simulation, display: Display) -> None:
    """Simulate into a folder named by the user, and show the result."""
    if "://" in name:
        raise UsageError(f"{name!r} is an address; simulate writes to a folder on this machine.")
    with display.step("Simulate") as step:
        simulate(Path(name), simulation, display.progress)
        sizes = ((simulation.events, "event"), (simulation.users, "user"), (simulation.songs, "song"))
        step.summary = f"{', '.join(counted(count, noun) for count, noun in sizes)} in {name}"


def simulate(folder: Path, simulation: Simulation, progress: Progress = lambda *_: None) -> None:
    """Write song_data/, log_data/ and log_json_path.json into a folder that is new, empty or an earlier simulation.

    progress is called with files or events done, their total, and what is being written.

    Raises:
        UsageError: a size is out of range, or the folder holds something else.
    """
    import duckdb

    simulation.check()
    folder = folder.resolve()
    check_folder(folder)
    partial = folder.with_name(f".{folder.name}.partial")
    remove_own(partial)
    try:
        partial.mkdir(parents=True)
        write_marker(partial, asdict(simulation))
        with duckdb.connect() as connection:
            _prepare(connection, simulation)
            _write_songs(connection, partial, progress)
            _write_events(connection, partial, simulation, progress)
        (partial / "log_json_path.json").write_text(_json_paths(), encoding="utf-8")
        write_marker(partial, asdict(simulation), files=content_hash(partial))
        put_in_place(partial, folder)
    except OSError as error:
        raise MachineError(
            f"{error.filename or folder} cannot be written: {error.strerror}. Choose another folder, or load your "
            "own source with --source."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _prepare(connection: duckdb.DuckDBPyConnection, simulation: Simulation) -> None:
    words = {
        "adjective": vocabulary.ADJECTIVES + vocabulary.ACCENTED_ADJECTIVES,
        "noun": vocabulary.NOUNS + vocabulary.ACCENTED_NOUNS,
        "odd_title": vocabulary.ODD_TITLES,
        "place": vocabulary.PLACES,
        "first_name_f": vocabulary.FIRST_NAMES_F,
        "first_name_m": vocabulary.FIRST_NAMES_M,
        "last_name": vocabulary.LAST_NAMES,
        "metro_area": vocabulary.METRO_AREAS,
        "user_agent": vocabulary.user_agents(),
    }
    connection.execute("create table words (kind varchar, word_no integer, plain varchar, logged varchar)")
    rows = [
        (kind, i, word, vocabulary.as_logged(word)) for kind, texts in words.items() for i, word in enumerate(texts)
    ]
    connection.executemany("insert into words values (?, ?, ?, ?)", rows)
    library_size = max(2_000, min(10 * simulation.songs, 500_000))
    variables = {
        "seed": simulation.seed,
        "events": simulation.events,
        "users": simulation.users,
        "songs": simulation.songs,
        "days": simulation.days,
        "first_ms": _first_ms(simulation),
        "library_size": library_size,
        "artist_count": library_size // 3,
        **{f"{kind}s": len(texts) for kind, texts in words.items()},
        "plain_adjectives": len(vocabulary.ADJECTIVES),
        "plain_nouns": len(vocabulary.NOUNS),
        "first_names_f": len(vocabulary.FIRST_NAMES_F),
        "first_names_m": len(vocabulary.FIRST_NAMES_M),
    }
    for name, value in variables.items():
        connection.execute(f"set variable {name} = {value}")
    # Joins keep the order of their left side, so that a day's lines come out sorted without sorting their text.
    connection.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
    for script in ("random.sql", "catalogue.sql", "listeners.sql"):
        connection.execute((HERE / script).read_text(encoding="utf-8"))


def _first_ms(simulation: Simulation) -> int:
    # The real log's times all end with the same milliseconds.
    return int(datetime.fromisoformat(simulation.start).replace(tzinfo=UTC).timestamp()) * 1000 + 796


def _write_songs(connection: duckdb.DuckDBPyConnection, folder: Path, progress: Progress) -> None:
    rows = connection.execute("select path, record from song_files").fetchall()
    made: set[Path] = set()
    for done, (name, record) in enumerate(rows, start=1):
        path = folder / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        path.write_text(record, encoding="utf-8")
        if done % 500 == 0 or done == len(rows):
            progress(done, len(rows), "song files")


def _write_events(
    connection: duckdb.DuckDBPyConnection, folder: Path, simulation: Simulation, progress: Progress
) -> None:
    chunk, day = ((HERE / name).read_text(encoding="utf-8") for name in ("events.sql", "day.sql"))
    midnight = _midnight_ms(simulation)
    first_day = date.fromisoformat(simulation.start)

    def write_day(number: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute(f"set variable day_ms = {midnight + number * DAY_MS}")
            return _write_day(cursor, folder, first_day + timedelta(days=number), day)

    written = 0
    # A day is too little for DuckDB to spread over the cores, and its lines must keep their order: one thread a day.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for first, last in _chunks(simulation):
            connection.execute(f"set variable from_ms = {midnight + first * DAY_MS}")
            connection.execute(f"set variable to_ms = {midnight + last * DAY_MS}")
            connection.execute("reset threads")
            connection.execute(chunk)
            connection.execute("set threads = 1")
            for count in pool.map(write_day, range(first, last)):
                written += count
                progress(written, simulation.events, "events")


def _chunks(simulation: Simulation) -> Iterator[tuple[int, int]]:
    """Ranges of days with about EVENTS_AT_ONCE events. Sessions go on past the last midnight: two days more."""
    days = simulation.days + 2
    step = max(1, min(days, simulation.days * EVENTS_AT_ONCE // simulation.events))
    for first in range(0, days, step):
        yield first, min(first + step, days)


def _midnight_ms(simulation: Simulation) -> int:
    return _first_ms(simulation) - 796


def _write_day(connection: duckdb.DuckDBPyConnection, folder: Path, day: date, sql: str) -> int:
    """Write one day's file, without a newline at its end as in the bucket; return its number of events."""
    path = folder / "log_data" / f"{day:%Y/%m}" / f"{day}-events.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    # As CSV of one column, without quotes or a delimiter that occurs: the lines are JSON already.
    target = str(path).replace("'", "''")
    count: int = connection.execute(
        f"copy ({sql}) to '{target}' (format csv, header false, quote '', escape '', delimiter E'\\x01')"
    ).fetchall()[0][0]
    if count:
        os.truncate(path, path.stat().st_size - 1)
    else:
        path.unlink()
    return count


def _json_paths() -> str:
    keys = """artist auth firstName gender itemInSession lastName length level location method page registration
    sessionId song status ts userAgent userId""".split()
    return json.dumps({"jsonpaths": [f"$['{key}']" for key in keys]}, indent=4) + "\n"
