"""The warehouse of one target: what is in it, and the lock that keeps two commands from writing it at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.console.file_faults import file_fault
from pipeline.errors import MachineError, PipelineError, UsageError
from pipeline.interrupts import stop_if_interrupted
from pipeline.settings import DEFAULT_DATABASE, WAS_NAMED, Settings
from pipeline.source.simulate import SAMPLE

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STAR = ("songplays", "users", "songs", "artists", "time", "user_levels", "sessions", "user_agents", "dates")
AGGREGATES = ("daily_listening", "hourly_plays", "weekly_song_plays", "weekly_retention", "user_journeys")

# What the driver and the sockets report for a lost connection.
LOST_CONNECTION = re.compile(
    r"BrokenPipe|server socket closed|EOF occurred|Connection reset|connection is closed|"
    r"connection has been closed|timed out"
)


@dataclass(frozen=True)
class Result:
    """Rows of a query, with the names of their columns."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


class Warehouse:
    """Reads the warehouse that dbt writes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def schema(self, name: str) -> str:
        """The name of the staging or analytics schema, as macros/generate_schema_name.sql makes it."""
        prefix = os.environ.get("SPARKIFY_SCHEMA", "analytics")
        return name if prefix == "analytics" else f"{prefix}_{name}"

    def query(self, sql: str, *, database: Path | None = None) -> Result:
        """Run one statement that reads; table names without a schema are looked up in analytics, then staging.

        On DuckDB it runs read-only on database, by default the work file, or the published file if there is no work
        file.
        """
        if self.settings.target == "duckdb":
            with self.duckdb_file(database) as connection:
                return rows_on_duckdb(connection, sql)
        connections = self.redshift_connections()
        with redshift_refusals():
            return result_of(connections.add_query(sql, auto_begin=False)[1])

    def count(self, sql: str, *, database: Path | None = None) -> int:
        """The result of a query that counts."""
        return int(self.query(sql, database=database).rows[0][0])

    @property
    def search_path(self) -> list[str]:
        return [self.schema("analytics"), self.schema("staging")]

    @contextmanager
    def duckdb_file(self, database: Path | None = None, **config: str) -> Iterator[DuckDBPyConnection]:
        """Open the work file, or the given file, read-only; DuckDB's errors in the block become errors for the user."""
        import duckdb

        path = database or self._file
        if not path.exists():
            raise UsageError(f"There is no warehouse at {path} yet. Build it with: {self.first_run()}")
        try:
            connection = duckdb.connect(str(path), read_only=True, config={**config})
        except duckdb.Error as error:
            stop_if_interrupted()
            if "Could not set lock" in str(error):
                raise PipelineError(f"Another command is writing {path}. Try again when it has finished.") from error
            raise file_fault(error) or MachineError(f"{path} cannot be opened: {_reason(error)}") from error
        with connection:
            try:
                schemas = connection.execute("select schema_name from information_schema.schemata").fetchall()
                present = [schema for schema in self.search_path if (schema,) in schemas]
                connection.execute(f"set search_path = '{','.join(present) or 'main'}'")
                connection.execute("set TimeZone = 'UTC'")
                yield connection
            except duckdb.Error as error:
                stop_if_interrupted()
                raise file_fault(error) or UsageError(*str(error).strip().split("\n")) from error

    def redshift_connections(self) -> Any:
        """dbt's connections, with this thread's open and its search path set."""
        from pipeline.dbt.session import drop_profile_adapter, profile_adapter

        # The drivers' errors have no common base class. Without a BEGIN, every statement is its own transaction.
        for is_last in (False, True):
            try:
                connections = profile_adapter(self.settings).connections
                connections.add_query(f"set search_path to {', '.join(self.search_path)}", auto_begin=False)
                break
            except Exception as error:
                stop_if_interrupted()
                drop_profile_adapter()  # the cached connection may have been lost
                if is_last:
                    raise MachineError(
                        f"Redshift cannot be reached as set in profiles.yml: {_reason(error)}"
                    ) from error
        return connections

    @property
    def _file(self) -> Path:
        work, published = self.settings.work_database, self.settings.database
        return published if published.exists() and not work.exists() else work

    def has_table(self, schema: str, table: str) -> bool:
        if self.settings.target == "duckdb" and not self._file.exists():
            return False
        found = self.count(
            "select count(*) from information_schema.tables "
            f"where table_schema = '{self.schema(schema)}' and table_name = '{table}'"
        )
        return found > 0

    def is_begun(self) -> bool:
        """Whether anything is built or loaded; naming a source is neither."""
        if self.has_table("analytics", "songplays"):
            return True
        ledger = f"{self.schema('staging')}.load_history"
        return self.has_table("staging", "load_history") and self.count(f"select count(*) from {ledger}") > 0

    def has_ledger(self) -> bool:
        """Whether there is a ledger to read.

        Raises:
            PipelineError: an older version of the project made it.
        """
        found = self.has_table("staging", "load_history")
        if found and not self.count(
            "select count(*) from information_schema.columns where column_name = 'status' "
            f"and table_schema = '{self.schema('staging')}' and table_name = 'load_history'"
        ):
            raise PipelineError(
                "An older version of this project created this warehouse, and its ledger lacks the status of loads. "
                "Start over from the source: "
                f"./inv reset{self.settings.flags}, then ./inv run{self.settings.source_flag}{self.settings.flags}"
            )
        return found

    def sources(self) -> list[str]:
        """The sources of the loaded files and those named since; if there are none, the sources of undone loads."""
        if not self.has_ledger():
            return []
        staging = self.schema("staging")
        loads = self.query(
            "select source, max(case when status = 'loaded' then 1 else 0 end) "
            f"from {staging}.load_history group by source order by source"
        ).rows
        named = []
        if self.has_table("staging", "named_sources"):
            named = self.query(
                f"select source from {staging}.named_sources "
                f"where naming_number = (select max(naming_number) from {staging}.named_sources)"
            ).rows
        loaded = {source for source, is_loaded in loads if is_loaded}
        return sorted(loaded | {source for (source,) in named}) or [source for source, _ in loads]

    def first_run(self) -> str:
        """The command that builds the warehouse if it does not exist yet."""
        settings = self.settings
        if settings.is_default and (settings.source or settings.target == "redshift" or not WAS_NAMED.exists()):
            return f"./inv run{settings.source_flag}{settings.flags}"
        source = settings.source
        if not source:
            with suppress(PipelineError):
                source = next(iter(Warehouse(replace(settings, database=DEFAULT_DATABASE)).sources()), None)
        return f"./inv run{replace(settings, source=source or str(SAMPLE)).source_flag}{settings.flags}"

    def row_counts(self) -> dict[str, int]:
        """Rows of each table of the star."""
        counts = " union all ".join(
            f"select '{table}', count(*) from {self.schema('analytics')}.{table}" for table in STAR
        )
        return dict(self.query(counts).rows)

    def plays_without_user(self) -> int:
        """NextSong events without a user, which do not count as plays."""
        return self.count(
            f"select count(*) from {self.schema('staging')}.stg_events where page = 'NextSong' and user_id is null"
        )


def rows_on_duckdb(connection: DuckDBPyConnection, sql: str) -> Result:
    if len(connection.extract_statements(sql)) != 1:
        raise UsageError("Pass one statement at a time.")
    return result_of(connection.execute(sql))


def result_of(cursor: Any) -> Result:
    """The result of a statement, from a cursor of either engine."""
    columns = [column[0] for column in cursor.description or []]
    return Result(columns, [tuple(row) for row in cursor.fetchall()] if columns else [])


@contextmanager
def redshift_refusals() -> Iterator[None]:
    """Turn an error of Redshift or its driver into an error for the user."""
    try:
        yield
    except Exception as error:
        stop_if_interrupted()
        if LOST_CONNECTION.search(str(error)):
            raise MachineError(f"The connection to Redshift was lost ({_reason(error)}). Run it again.") from error
        raise UsageError(_reason(error)) from error


def _reason(error: Exception) -> str:
    """The line of an engine's or dbt's error that says what is wrong; dbt puts the kind of error before it."""
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    telling = [line for line in lines if not line.endswith(" Error")]
    return (telling or lines or [type(error).__name__])[0]
