"""The lock that keeps commands on several machines from writing one Redshift warehouse at once.

It is a table that a separate session locks in an open transaction, so the lock ends with the connection, in any case.
It is in its own schema: commands that drop or recreate the other schemas would wait for it.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

from pipeline import clock
from pipeline.dbt.run_lock import RunLock
from pipeline.errors import PipelineError, UsageError
from pipeline.warehouse.warehouse import Warehouse

SCHEMA = "run_lock"
WAIT_SECONDS = 5
SOCKET_SECONDS = 60  # a second limit, as it is not documented whether statement_timeout counts waiting for a lock
ATTEMPTS = 3
_IS_HELD = re.compile(r"57014|cancel|timeout|timed out|conflict|deadlock", re.IGNORECASE)
_IS_MISSING = re.compile(r"does not exist|3F000|42P01", re.IGNORECASE)
_DDL = (
    "create schema if not exists {schema}",
    "create table if not exists {schema}.holder (token varchar(32) not null, command varchar(64) not null, "
    "user_name varchar(256) not null, host varchar(256) not null, process_id bigint not null, "
    "session_id bigint not null, held_since timestamp not null, checked_at timestamp)",
    "create table if not exists {schema}.run_lock (locked boolean)",  # last: if it exists, so does holder
)


class _RedshiftLock(RunLock):
    def __init__(self, handle: Any) -> None:
        self.token = uuid4().hex
        self._handle = handle

    def check(self) -> None:
        try:
            self._handle.cursor().execute("select 1")
        except Exception as error:  # the driver's errors, and the socket's
            raise PipelineError(
                "The lock on the warehouse was lost: the session that held it has ended. Committed work is kept. "
                "Run it again to finish."
            ) from error


@contextmanager
def redshift_lock(warehouse: Warehouse, command: str) -> Iterator[RunLock]:
    """Hold the warehouse for one command, across machines.

    Raises:
        PipelineError: another command holds it; the message names it.
    """
    session = _open_session(warehouse)
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _execute(session.handle, f"set statement_timeout to {WAIT_SECONDS * 1000}")
                _execute(session.handle, "begin")
                _execute(session.handle, f"lock {warehouse.schema(SCHEMA)}.run_lock")
                break
            except Exception as error:
                if _IS_HELD.search(str(error)):
                    raise PipelineError(_held_by(warehouse)) from None
                if not _IS_MISSING.search(str(error)) or attempt == ATTEMPTS:
                    raise PipelineError(f"The warehouse could not be locked: {_reason(error)}") from error
                _execute(session.handle, "rollback")
                _make_tables(warehouse)
        lock = _RedshiftLock(session.handle)
        _write_holder(warehouse, command, lock.token, session.backend_pid)
        yield lock
    finally:
        with suppress(Exception):  # a lost connection has released it already
            session.handle.rollback()
            session.handle.close()


def _open_session(warehouse: Warehouse) -> Any:
    """A connection with the profile's settings that dbt does not know of, and so does not close."""
    from dbt.adapters.contracts.connection import Connection, Identifier

    from pipeline.dbt.session import profile_adapter

    warehouse.query("select 1")  # connects, or reports why it cannot
    adapter = profile_adapter(warehouse.settings)
    credentials = adapter.config.credentials.replace(connect_timeout=SOCKET_SECONDS)
    session = Connection(type=Identifier(adapter.type()), name="run_lock", credentials=credentials)
    try:
        return type(adapter.connections).open(session)
    except Exception as error:
        raise PipelineError(f"The warehouse could not be locked: {_reason(error)}") from error


def _make_tables(warehouse: Warehouse) -> None:
    for statement in _DDL:
        with suppress(UsageError):  # two first commands at once; any other cause shows when locking
            warehouse.query(statement.format(schema=warehouse.schema(SCHEMA)))


def _write_holder(warehouse: Warehouse, command: str, token: str, session_id: int) -> None:
    """Record who holds the lock. This waits for a command that lost it and is committing; others find our token."""
    table = f"{warehouse.schema(SCHEMA)}.holder"
    values = (
        f"'{token}', '{_plain(command)}', '{_plain(getpass.getuser())}', '{_plain(socket.gethostname())}', "
        f"{os.getpid()}, {session_id}, '{clock.now():%Y-%m-%d %H:%M:%S}', null"
    )
    for statement in (f"delete from {table}", f"insert into {table} values ({values})"):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                warehouse.query(statement)
                break
            except UsageError as error:
                if attempt == ATTEMPTS or not _IS_HELD.search(str(error)):
                    raise PipelineError(f"The warehouse could not be locked: {error}") from error


def _held_by(warehouse: Warehouse) -> str:
    columns = "command, user_name, host, process_id, session_id, held_since"
    holder = warehouse.query(f"select {columns} from {warehouse.schema(SCHEMA)}.holder").rows
    if not holder:
        return "Another command is writing the warehouse. Run this again when it has finished."
    command, user, host, process_id, session_id, since = holder[0]
    return (
        f"Another command is writing the warehouse: {command} by {user} on {host} (process {process_id}, since "
        f"{since:%Y-%m-%d %H:%M:%S} UTC). Run this again when it has finished. If that machine is gone, end its "
        f'session with: ./inv query --target redshift "select pg_terminate_backend({session_id})"'
    )


def _execute(handle: Any, statement: str) -> None:
    handle.cursor().execute(statement)


def _plain(text: str) -> str:
    return re.sub(r"[^\w.@ -]", "?", text)[:64]


def _reason(error: Exception) -> str:
    """The server's message, from an error of the driver, which contains a dictionary."""
    said = error.args[0] if error.args else ""
    return str(said.get("M", said) if isinstance(said, dict) else said).strip() or type(error).__name__
