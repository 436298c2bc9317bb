"""How fresh the warehouse is and how much is in it, for the head of the report and of the docs site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.source.simulate import SAMPLE
from pipeline.warehouse.sources import SAMPLE_NOTE
from pipeline.warehouse.warehouse import AGGREGATES, STAR, Warehouse

TABLES = (*STAR, *AGGREGATES)
TOTALS = Path(__file__).with_name("totals.sql")


@dataclass(frozen=True)
class Listening:
    """Totals of what was played. Songs and artists are counted by name, and only if they were played."""

    plays: int
    listeners: int
    listening_seconds: Decimal
    songs: int
    artists: int
    sessions: int
    """Sessions with a play."""


@dataclass(frozen=True)
class State:
    """Times are UTC, and None if there is nothing yet. row_counts has every table that analysts use.

    untested_note is a sentence if the tables have not passed their tests, and empty if they have.
    """

    first_event: datetime | None
    last_event: datetime | None
    last_load: datetime | None
    loads: int
    files: int
    sources: list[str]
    row_counts: dict[str, int]
    untested_note: str
    listening: Listening

    @property
    def sample_note(self) -> str:
        """A sentence for readers if the figures are those of the simulated sample; else empty."""
        return SAMPLE_NOTE if str(SAMPLE) in self.sources else ""

    @property
    def places(self) -> str:
        """The sources without the paths of local folders, so that the page can go on a web server."""
        return ", ".join(source if source.startswith("s3://") else Path(source).name for source in self.sources)


def read_state(warehouse: Warehouse, database: Path | None = None) -> State:
    """Ask the warehouse, or a published file of it, for its state."""
    staging, analytics = warehouse.schema("staging"), warehouse.schema("analytics")
    first, last = warehouse.query(
        f"select min(event_at), max(event_at) from {staging}.stg_events", database=database
    ).rows[0]
    loaded, loads, files = warehouse.query(
        "select max(case when load_id = newest then loaded_at end), count(distinct load_id), count(*) "
        f"from {staging}.load_history cross join (select max(load_id) as newest from {staging}.load_history "
        "where status = 'loaded') as loads where status = 'loaded'",
        database=database,
    ).rows[0]
    sources = warehouse.query(
        f"select distinct source from {staging}.load_history where status = 'loaded' order by source", database=database
    )
    counts = " union all ".join(f"select '{table}', count(*) from {analytics}.{table}" for table in TABLES)
    return State(
        first_event=first,
        last_event=last,
        last_load=loaded,
        loads=loads,
        files=files,
        sources=[row[0] for row in sources.rows],
        row_counts=dict(sorted(warehouse.query(counts, database=database).rows, key=lambda row: TABLES.index(row[0]))),
        untested_note=untested_note(warehouse, database),
        listening=Listening(*warehouse.query(TOTALS.read_text(encoding="utf-8"), database=database).rows[0]),
    )


def untested_note(warehouse: Warehouse, database: Path | None = None) -> str:
    """A sentence for readers if the tables have not passed their tests in their present state; else empty."""
    history = f"{warehouse.schema('staging')}.run_history"
    try:
        current, last = warehouse.query(
            "select max(case when is_current then 1 else 0 end), "
            f"max(case when project_fingerprint <> '' then finished_at end) from {history}",
            database=database,
        ).rows[0]
    except PipelineError as error:
        if "permission denied" in str(error):
            return (
                f"It is unknown whether these tables have passed their tests: you have no permission to read {history}."
            )
        current, last = None, None  # nothing was built yet, or an older version built it
    if current:
        return ""
    since = f": they were changed after the last complete run ({moment(last)})" if last else " yet"
    return f"These tables have not passed their tests{since}."


def tested_fingerprint(warehouse: Warehouse) -> str:
    """The fingerprint of the project whose complete run made the present tables; empty if there is none."""
    if not warehouse.has_table("staging", "run_history"):
        return ""
    history = f"{warehouse.schema('staging')}.run_history"
    return warehouse.query(f"select max(project_fingerprint) from {history} where is_current").rows[0][0] or ""


def moment(value: datetime | None) -> str:
    """A time in words: 5 November 2018, 18:28 UTC."""
    return f"{value.day} {value:%B %Y, %H:%M} UTC" if value else "none yet"
