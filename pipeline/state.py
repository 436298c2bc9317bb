"""How fresh the warehouse is and how much is in it: what the report and the docs site have at their head."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.simulate import SAMPLE
from pipeline.sources import SAMPLE_NOTE
from pipeline.warehouse import AGGREGATES, STAR, Warehouse

TABLES = (*STAR, *AGGREGATES)
HEAD = Path(__file__).parent / "report" / "sql" / "head.sql"


@dataclass(frozen=True)
class Listening:
    """What was played in all. Songs and artists are counted by name, and only those that were played."""

    plays: int
    listeners: int
    listening_seconds: Decimal
    songs: int
    artists: int
    sessions: int
    """Sessions with a play."""


@dataclass(frozen=True)
class State:
    """Times are UTC, and None where there is nothing yet. row_counts has every table that analysts use.

    untested_note says so if the tables have not passed their tests, and is empty if they have.
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
        """What a reader must know where the figures are of the simulated sample; else empty."""
        return SAMPLE_NOTE if str(SAMPLE) in self.sources else ""

    @property
    def places(self) -> str:
        """The sources without the way to this machine's folders: what names them can stand on a web server."""
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
        listening=Listening(*warehouse.query(HEAD.read_text(encoding="utf-8"), database=database).rows[0]),
    )


def untested_note(warehouse: Warehouse, database: Path | None = None) -> str:
    """What to tell a reader of tables that have not passed their tests as they are now; empty if they have."""
    history = f"{warehouse.schema('staging')}.run_history"
    try:
        current, last = warehouse.query(
            "select max(case when is_current then 1 else 0 end), "
            f"max(case when project_fingerprint <> '' then finished_at end) from {history}",
            database=database,
        ).rows[0]
    except PipelineError as error:
        if "permission denied" in str(error):
            return f"It is unknown whether these tables have passed their tests: you may not read {history}."
        current, last = None, None  # nothing was built yet, or by an older version
    if current:
        return ""
    since = f": they were changed after the last complete run ({moment(last)})" if last else " yet"
    return f"These tables have not passed their tests{since}."


def tested_fingerprint(warehouse: Warehouse) -> str:
    """The fingerprint of the project whose run made the tables as they are now; empty if no complete run did."""
    if not warehouse.has_table("staging", "run_history"):
        return ""
    history = f"{warehouse.schema('staging')}.run_history"
    return warehouse.query(f"select max(project_fingerprint) from {history} where is_current").rows[0][0] or ""


def moment(value: datetime | None) -> str:
    """A time as a reader writes it: 5 November 2018, 18:28 UTC."""
    return f"{value.day} {value:%B %Y, %H:%M} UTC" if value else "none yet"
