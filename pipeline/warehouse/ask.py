"""A query of the user's own: it can read the warehouse and nothing else, and write nothing."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.foreign_text import first_line
from pipeline.warehouse.warehouse import Result, Warehouse, redshift_refusals, result_of, rows_on_duckdb

ONLY_READS = "query is read-only: pass one SELECT, WITH, SHOW, DESCRIBE or EXPLAIN statement."
# Settings that keep a DuckDB SELECT away from files, the network and this program's variables.
CLOSED = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "python_enable_replacements": "false",
}
READING = ("SELECT", "EXPLAIN", "MULTI")  # DuckDB's names: SHOW, DESCRIBE and FROM are SELECT, and PIVOT is MULTI
READING_WORDS = ("select", "with", "show", "describe", "desc", "explain")
FIRST_WORD = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*(?:(?!/\*|\*/).)*\*/)*([a-z]+)", re.IGNORECASE | re.DOTALL)


def ask(warehouse: Warehouse, sql: str, *, database: Path | None = None) -> Result:
    """Run a statement that reads; table names without a schema are looked up in analytics, then staging.

    On DuckDB it runs on database, by default the work file.

    Raises:
        UsageError: the engine refused the statement, or it does more than read.
    """
    if warehouse.settings.target == "duckdb":
        return _ask_duckdb(warehouse, sql, database)
    return _ask_redshift(warehouse, sql)


def _ask_duckdb(warehouse: Warehouse, sql: str, database: Path | None) -> Result:
    import duckdb

    with warehouse.duckdb_file(database, **CLOSED) as connection:
        if any(statement.type.name not in READING for statement in connection.extract_statements(sql)):
            raise UsageError(ONLY_READS)
        connection.execute("set lock_configuration = true")
        try:
            return rows_on_duckdb(connection, sql)
        except duckdb.PermissionException as error:
            raise UsageError(f"{ONLY_READS} DuckDB: {first_line(error)}.") from error


def _ask_redshift(warehouse: Warehouse, sql: str) -> Result:
    # READ ONLY transactions are not documented to stop UNLOAD, and CALL could end one.
    if not (found := FIRST_WORD.match(sql)) or found[1].lower() not in READING_WORDS:
        raise UsageError(ONLY_READS)
    connections = warehouse.redshift_connections()
    try:
        with redshift_refusals(), connections.exception_handler(sql):
            # The driver's own cursor, with which the server takes one statement; dbt's would send several one by one.
            cursor = connections.get_thread_connection().handle.cursor()
            cursor.execute("begin read only")
            try:
                cursor.execute(sql)
                return result_of(cursor)
            finally:
                with suppress(Exception):  # a lost connection has nothing left to end
                    cursor.execute("rollback")
    except UsageError as error:
        if "transaction is read-only" in str(error):
            raise UsageError(f"{ONLY_READS} Redshift: {error}.") from error
        raise
