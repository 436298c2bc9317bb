"""However a source is cut into files, in whatever order and how often they come, the tables are those of one build.

A case is a life: a stream of events and a catalogue, cut into deliveries with repeats and in any order. Some lives go
side by side through a warehouse of builds of all or some models, full refreshes, undos and reloads. In the end every
table equals, row by row, that of a warehouse that is built at once from the files that then count.
"""

from __future__ import annotations

import json
import math
import random
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from forked import Life
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from projects import REAL_DATA
from records import make_event, make_song

Record = dict[str, Any]

LIVES = 8
DAYS = [1541030400000 + day * 86_400_000 for day in (0, 1, 2, 6, 7, 13, 30)]  # from a Thursday on
MODELS = (
    *("stg_events", "stg_songs int_heard_songs", "users", "sessions user_levels", "songs", "+songplays", "dates"),
    *("stg_events songplays", "daily_listening hourly_plays", "user_journeys weekly_song_plays int_listener_weeks"),
)
# Few users, sessions and instants, so that events meet: at one time, in one place, or as repeats.
EVENT = {
    "page": ["NextSong", "NextSong", "NextSong", "Home", "Upgrade", "Submit Upgrade"],
    "userId": ["1", "1", "2", "3", ""],
    "sessionId": [1, 2, 3],
    "itemInSession": range(6),
    "ts": [day + later for later in (0, 1, 60_000, 3_600_000) for day in DAYS],
    "level": ["free", "paid", "free", "paid", None],
    "song": ["Tune", "TUNE ", "Other", "Solo", None],
    "artist": ["Ann", " ann", "Bob", "BjÃ\u0083Â¶rk", None],
    "length": [10.5, 20, 30.25, None],
    "location": ["Akron, OH", "Zion, IL", "", None],
    "userAgent": ['"Agent/1"', "Agent/1", "Firefox/2", None],
    "firstName": ["Ava", "Eve"],
}
SONG = {
    "song_id": [f"SO{number}" for number in range(5)],
    "title": ["Tune", "tune", "Other", "Solo", "Unheard"],
    "artist_id": ["AR1", "AR2", "AR3"],
    "artist_name": ["Ann", "ANN", "Bob", "Björk", ""],
    "artist_location": ["", "Rome", "Oslo"],
    "duration": [10.5, 12, 25, 30.25],
    "year": [0, 1999],
}


def records(choices: dict[str, Sequence[Any]]) -> st.SearchStrategy[Record]:
    """One of each key's values; drawn as one number, for examples to be found and made smaller quickly."""
    return st.integers(0, math.prod(map(len, choices.values())) - 1).map(lambda number: _chosen(choices, number))


def _chosen(choices: dict[str, Sequence[Any]], number: int) -> Record:
    record = {}
    for key, values in choices.items():
        number, index = divmod(number, len(values))
        record[key] = values[index]
    return record


@dataclass(frozen=True)
class Part:
    """What one life brings to a step."""

    events: list[Record]
    songs: list[Record]
    changed: list[Record]


@dataclass(frozen=True)
class Step:
    """What is delivered and loaded, and what is done then. which counts loads or files, around and around."""

    parts: list[Part]
    action: str
    models: str
    which: int


@st.composite
def lives(draw: st.DrawFn, life: int, steps: int, may_contradict: bool) -> list[Part]:
    """One stream of events and a catalogue, cut into the deliveries of some steps, with repeats, in any order."""
    pool = [_event_of(life, record) for record in draw(st.lists(records(EVENT), min_size=1, max_size=20))]
    if not may_contradict:
        same: dict[tuple[Any, ...], Record] = {}
        pool = [same.setdefault((e["userId"], e["sessionId"], e["itemInSession"], e["ts"]), e) for e in pool]
    catalogue = [_song_of(life, record) for record in draw(st.lists(records(SONG), min_size=1, max_size=5))]
    part = st.builds(
        Part,
        events=st.lists(st.sampled_from(pool), min_size=1, max_size=10),
        songs=st.lists(st.sampled_from(catalogue), max_size=2),
        changed=st.lists(st.sampled_from(pool), max_size=5),
    )
    return draw(st.lists(part, min_size=steps, max_size=steps))


def _event_of(life: int, record: Record) -> Record:
    """Every life has users, sessions, songs and artists of its own."""
    is_play = record["page"] == "NextSong"
    named = {
        key: f"{record[key].rstrip()} {life}{' ' * record[key].endswith(' ')}" if is_play and record[key] else None
        for key in ("song", "artist")
    }
    user = record["userId"] and f"{life}{record['userId']}"
    length = record["length"] if is_play else None
    session = 10 * life + record["sessionId"]
    return make_event(**{**record, **named, "length": length, "userId": user, "sessionId": session})


def _song_of(life: int, record: Record) -> Record:
    named = {key: f"{record[key]} {life}" if record[key] else "" for key in ("title", "artist_name")}
    return make_song(**{**record, **named, **{key: f"{record[key]}-{life}" for key in ("song_id", "artist_id")}})


@st.composite
def warehouses(draw: st.DrawFn) -> list[Step]:
    """Some lives side by side, and what is done with the warehouse after each delivery. Few let repeats contradict."""
    steps = draw(st.integers(2, 4))
    may_contradict = draw(st.sampled_from([False, False, False, True]))
    parts = [draw(lives(life, steps, may_contradict)) for life in range(1, LIVES + 1)]
    actions = ["build", "build", "build", "load", "some", "some anew", "refresh", "undo", "reload"]
    has_new_songs = st.sampled_from([False, True])
    return [
        Step(
            list(delivered) if draw(has_new_songs) else [replace(part, songs=[]) for part in delivered],
            action=draw(st.sampled_from(actions)),
            models=draw(st.sampled_from(MODELS)),
            which=draw(st.integers(0, 5)),
        )
        for delivered in zip(*parts, strict=True)
    ]


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
    is_built = False
    for number, step in enumerate(lived):
        new = {
            f"log_data/{number}.json": [event for part in step.parts for event in part.events],
            f"song_data/{number}.json": [song for part in step.parts for song in part.songs],
        }
        for key, records in new.items():
            source.put(key, records)
        source.take(life.load(), *new)
        if step.action == "undo":
            undone = source.standing_loads[step.which % len(source.standing_loads)]
            life.undo(undone)
            source.undo(undone)
        elif step.action == "reload":
            key = f"log_data/{step.which % (number + 1)}.json"
            source.put(key, [event for part in step.parts for event in part.changed])
            source.take(life.load(reload=[key]), key)
        elif step.action in ("some", "some anew") and is_built:  # what they read needs to be there
            life.build("--select", *step.models.split(), *(["--full-refresh"] if step.action == "some anew" else []))
        elif step.action != "load":
            life.build(*(["--full-refresh"] if step.action == "refresh" else []))
            is_built = True
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


# Each example is a warehouse of LIVES lives.
EXAMPLES = 3
PARTS, EXAMPLES_OF_PART = 4, 32
ACTIONS = {
    "load": "loads without a build",
    "build": "builds",
    "some": "builds of some models",
    "some anew": "full refreshes of some models",
    "refresh": "full refreshes",
    "undo": "loads undone",
    "reload": "files reloaded with other content",
}
CONFIGURATION = {
    "database": None,
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}


@settings(max_examples=EXAMPLES, **CONFIGURATION)
@given(lived=warehouses())
def test_any_order_gives_the_tables_of_one_build(lived: list[Step]) -> None:
    assert_any_order(lived)


@pytest.mark.thorough
@pytest.mark.parametrize("_part", range(PARTS))
def test_many_orders_give_the_tables_of_one_build(_part: int, figures: Callable[..., None]) -> None:
    warehouses_tried = 0
    actions: Counter[str] = Counter()

    @seed(secrets.randbits(64))
    @settings(max_examples=EXAMPLES_OF_PART, **CONFIGURATION)
    @given(lived=warehouses())
    def each(lived: list[Step]) -> None:
        nonlocal warehouses_tried
        assert_any_order(lived)
        warehouses_tried += 1
        actions.update(step.action for step in lived)

    each()
    figures(
        1, f"random histories, {LIVES} per warehouse, compared with a single build", "DuckDB", LIVES * warehouses_tried
    )
    for action, name in ACTIONS.items():
        figures(1, f"random histories, steps: {name}", "DuckDB", actions[action])


def real_deliveries(chance: random.Random) -> list[Step]:
    """Real events and songs, line by line in any order, some in many files, and something done after each."""
    events, songs = (
        [
            json.loads(line)
            for path in sorted((REAL_DATA / name).rglob("*.json"))
            for line in path.open(encoding="utf-8")
        ]
        for name in ("log_data", "song_data")
    )
    actions = ["build", "build", "load", "refresh", "undo", "reload"]
    steps = []
    for share in (0.5, 0.3, 0.3, 0.3, 0.3):
        brought = Part(*(chance.sample(lines, int(share * len(lines))) for lines in (events, songs, events)))
        steps.append(Step([brought], chance.choice(actions), "", which=chance.randrange(5)))
    return steps


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real data is not beside this checkout")
def test_any_order_of_real_lines_gives_the_tables_of_one_build() -> None:
    assert_any_order(real_deliveries(random.Random(1)))  # noqa: S311


@pytest.mark.thorough
@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the real data is not beside this checkout")
def test_many_orders_of_real_lines_give_the_tables_of_one_build(figures: Callable[..., None]) -> None:
    number = secrets.randbits(64)
    for case in range(20):
        try:
            assert_any_order(real_deliveries(random.Random(number + case)))  # noqa: S311
        except AssertionError as error:
            raise AssertionError(f"random.Random({number + case}): {error}") from error
    figures(1, "real events and songs, split into files line by line, compared with a single build", "DuckDB", 20)
