"""What a COPY leaves in SYS_LOAD_HISTORY, SYS_LOAD_DETAIL and SYS_LOAD_ERROR_DETAIL, which outlives its transaction."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from redshift_stand_in.postgres import Postgres

if TYPE_CHECKING:
    from redshift_stand_in.connection import Connection
    from redshift_stand_in.copy_load import Load


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
        connection = self.postgres.connect(session.database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "insert into stand_in.load_history values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    (*who, status, table, load.started_at, now, load.command.location, load.rows,
                     sum(file[1] for file in load.files), len(load.files), len(load.refused)),
                )  # fmt: skip
                cursor.executemany(
                    "insert into stand_in.load_detail values (%s, %s, %s, %s, %s, %s, %s, %s)",
                    [(session.user, query_id, uri, size, lines, etag, load.started_at, now)
                     for uri, size, lines, etag in load.files],
                )  # fmt: skip
                cursor.executemany(
                    "insert into stand_in.load_error values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    [(*who, table, load.started_at, refused.uri, refused.line,
                      refused.column.name if refused.column else "", refused.column.kind if refused.column else "",
                      str(refused.column.length or "") if refused.column else "", refused.error.position,
                      refused.error.code, refused.error.reason)
                     for refused in load.refused],
                )  # fmt: skip
        finally:
            connection.close()
        return query_id
