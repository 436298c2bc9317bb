"""However a source is cut into files, in whatever order and how often they come, the tables are those of one build.

Each case is the life of one warehouse: deliveries, builds of all or some models, full refreshes, undos and reloads. In
the end every table equals, row by row, that of a warehouse that is built at once from the files that then count.
"""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import make_event, make_song
from forked import Life
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

Record = dict[str, Any]

DAYS = [1541030400000 + day * 86_400_000 for day in (0, 1, 2, 6, 7, 13, 30)]  # from a Thursday on
MODELS = ("stg_events", "stg_songs int_heard_songs", "users", "sessions user_levels", "songs", "+songplays", "dates")


@st.composite
def events(draw: st.DrawFn) -> Record:
    """An event of few users, sessions and instants, so that events meet: at one time, in one place, or as repeats."""
    page = draw(st.sampled_from(["NextSong", "NextSong", "NextSong", "Home", "Upgrade", "Submit Upgrade"]))
    is_play = page == "NextSong"
    return make_event(
        userId=draw(st.sampled_from(["1", "1", "2", "3", ""])),
        sessionId=draw(st.integers(1, 3)),
        itemInSession=draw(st.integers(0, 5)),
        ts=draw(st.sampled_from(DAYS)) + draw(st.sampled_from([0, 1, 60_000, 3_600_000])),
        page=page,
        level=draw(st.sampled_from(["free", "paid", "free", "paid", None])),
        song=draw(st.sampled_from(["Tune", "TUNE ", "Other", "Solo", None])) if is_play else None,
        artist=draw(st.sampled_from(["Ann", " ann", "Bob", "BjÃ\u0083Â¶rk", None])) if is_play else None,
        length=draw(st.sampled_from([10.5, 20, 30.25, None])) if is_play else None,
        location=draw(st.sampled_from(["Akron, OH", "Zion, IL", "", None])),
        userAgent=draw(st.sampled_from(['"Agent/1"', "Agent/1", "Firefox/2", None])),
        firstName=draw(st.sampled_from(["Ava", "Eve"])),
    )


@st.composite
def songs(draw: st.DrawFn) -> Record:
    return make_song(
        song_id=f"SO{draw(st.integers(1, 5))}",
        title=draw(st.sampled_from(["Tune", "tune", "Other", "Solo", "Unheard"])),
        artist_id=draw(st.sampled_from(["AR1", "AR2", "AR3"])),
        artist_name=draw(st.sampled_from(["Ann", "ANN", "Bob", "Björk", ""])),
        artist_location=draw(st.sampled_from(["", "Rome", "Oslo"])),
        duration=draw(st.sampled_from([10.5, 12, 25, 30.25])),
        year=draw(st.sampled_from([0, 1999])),
    )


@dataclass(frozen=True)
class Step:
    """What is delivered and loaded, and what is done then. which counts loads or files, around and around."""

    events: list[Record]
    songs: list[Record]
    deed: str
    models: str
    which: int
    changed: list[Record]


def steps(pool: list[Record], catalogue: list[Record]) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        events=st.lists(st.sampled_from(pool), max_size=12),
        songs=st.lists(st.sampled_from(catalogue), max_size=3) if catalogue else st.just([]),
        deed=st.sampled_from(["build", "build", "build", "load", "some", "refresh", "undo", "reload"]),
        models=st.sampled_from(MODELS),
        which=st.integers(0, 5),
        changed=st.lists(st.sampled_from(pool), max_size=6),
    )


@st.composite
def lives(draw: st.DrawFn) -> list[Step]:
    """Some steps over one stream of events. In most streams a repeat says the same, in the others it may contradict."""
    pool = draw(st.lists(events(), min_size=1, max_size=30))
    if draw(st.integers(0, 3)):
        same: dict[tuple[Any, ...], Record] = {}
        pool = [same.setdefault((e["userId"], e["sessionId"], e["itemInSession"], e["ts"]), e) for e in pool]
    catalogue = draw(st.lists(songs(), max_size=6))
    return draw(st.lists(steps(pool, catalogue), min_size=2, max_size=4))


@dataclass
class Source:
    """A folder of deliveries. load_ids has the load that each file's rows are of, None after an undo."""

    folder: Path
    load_ids: dict[str, str | None] = field(default_factory=dict)

    def put(self, key: str, records: list[Record]) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in records), encoding="utf-8")

    def take(self, load_id: str, *keys: str) -> None:
        self.load_ids.update(dict.fromkeys(keys, load_id))

    @property
    def standing_loads(self) -> list[str]:
        return sorted({load_id for load_id in self.load_ids.values() if load_id})

    def undo(self, load_id: str) -> None:
        self.load_ids.update({key: None for key, of in self.load_ids.items() if of == load_id})

    def copy_what_counts(self, folder: Path) -> Path:
        for name in ("log_data", "song_data"):
            (folder / name).mkdir(parents=True)
            (folder / name / "none.json").touch()
        for key, load_id in self.load_ids.items():
            if load_id:
                shutil.copyfile(self.folder / key, folder / key)
        return folder


def live(life: Life, source: Source, lived: list[Step]) -> None:
    for number, step in enumerate(lived):
        new = {f"log_data/{number}.json": step.events, f"song_data/{number}.json": step.songs}
        for key, records in new.items():
            source.put(key, records)
        source.take(life.load(), *new)
        if step.deed == "build":
            life.build()
        elif step.deed == "refresh":
            life.build("--full-refresh")
        elif step.deed == "some" and number:
            life.build("--select", *step.models.split())
        elif step.deed == "undo":
            undone = source.standing_loads[step.which % len(source.standing_loads)]
            life.undo(undone)
            source.undo(undone)
        elif step.deed == "reload":
            key = f"log_data/{step.which % (number + 1)}.json"
            source.put(key, step.changed)
            source.take(life.load(reload=[key]), key)
        elif number == 0:
            life.build()  # that of some models needs all to be there
    life.build()


def assert_any_order(lived: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Source(Path(folder, "source"))
        life = Life(Path(folder, "lived"), source.folder)
        live(life, source, lived)
        at_once = Life(Path(folder, "at_once"), source.copy_what_counts(Path(folder, "what_counts")))
        at_once.load()
        at_once.build()
        found, expected = life.tables(), at_once.tables()
        assert found.keys() == expected.keys()
        for table, rows in expected.items():
            assert found[table] == rows, table


EXAMPLES = 6
PARTS, EXAMPLES_OF_PART = 8, 125
of_lives = given(lived=lives())
CONFIGURATION = {
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}


@settings(max_examples=EXAMPLES, **CONFIGURATION)
@of_lives
def test_any_order_gives_the_tables_of_one_build(lived: list[Step]) -> None:
    assert_any_order(lived)


@pytest.mark.thorough
@pytest.mark.parametrize("_part", range(PARTS))
def test_many_orders_give_the_tables_of_one_build(_part: int, figures: Callable[..., None]) -> None:
    cases = 0

    @seed(secrets.randbits(64))
    @settings(max_examples=EXAMPLES_OF_PART, **CONFIGURATION)
    @of_lives
    def each(lived: list[Step]) -> None:
        nonlocal cases
        assert_any_order(lived)
        cases += 1

    each()
    figures(1, "lives of a warehouse, each held to one build of what counts in the end", "DuckDB", cases)
