"""What a COPY leaves in SYS_LOAD_HISTORY, SYS_LOAD_DETAIL and SYS_LOAD_ERROR_DETAIL, which outlives its transaction."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from redshift_stand_in.postgres import Postgres

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

    from redshift_stand_in.connection import Connection
    from redshift_stand_in.copy_load import Load, Refused


class SystemTables:
    """Writes past the sessions, on connections of its own that commit at once."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self._ids = itertools.count(1000)
        self._lock = threading.Lock()

    def record_load(self, load: Load, session: Connection, status: str) -> int:
        """Write down one COPY; return its query id."""
        with self._lock:
            query_id = next(self._ids)
        now = datetime.now(tz=UTC)
        table = load.command.table.rpartition(".")[2].strip('"')
        who = (session.user, query_id, session.process_id, session.database)
        history = (
            *who, status, table, load.started_at, now, load.command.location, load.rows,
            sum(file[1] for file in load.files), len(load.files), len(load.refused),
        )  # fmt: skip
        tables = {
            "history": [history],
            "detail": [
                (session.user, query_id, uri, size, lines, etag, load.started_at, now)
                for uri, size, lines, etag in load.files
            ],
            "error": [
                (*who, table, load.started_at, refused.uri, refused.line, *_details(refused))
                for refused in load.refused
            ],
        }
        connection = self.postgres.connect(session.database)
        try:
            with connection.cursor() as cursor:
                for statement in _inserts(cursor, "load", tables):
                    cursor.execute(statement)
                shown = b";".join(_inserts(cursor, "own_load", tables)).decode()
        finally:
            connection.close()
        if session.backend.status == b"T" and status == "completed":
            session.backend.query(shown)  # its snapshot is older than what was just written
        return query_id


def _details(refused: Refused) -> tuple[str, str, str, int, int, str]:
    column, error = refused.column, refused.error
    named = (column.name, column.kind, str(column.length or "")) if column else ("", "", "")
    return (*named, error.position, error.code, error.reason)


def _inserts(cursor: cursor, prefix: str, tables: dict[str, list[tuple[Any, ...]]]) -> list[bytes]:
    statements = []
    for name, rows in tables.items():
        if rows:
            values = b", ".join(cursor.mogrify(f"({', '.join(['%s'] * len(row))})", row) for row in rows)
            statements.append(f"insert into stand_in.{prefix}_{name} values ".encode() + values)
    return statements
