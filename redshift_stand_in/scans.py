"""How many rows statements read and wrote, by table, as the server counts them.

Redshift leaves out blocks by the least and the greatest value in them of each column. PostgreSQL has no such zone maps:
indexes on the sort keys and on load_id, whose rows come together, leave out what Redshift would.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_stand_in.postgres import Postgres

_COUNTED = """
    select
        schemaname || '.' || relname,
        coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0),
        n_tup_ins + n_tup_upd + n_tup_del
    from pg_stat_user_tables
    where schemaname not like 'pg_%%' and schemaname <> 'stand_in'
"""
_PRUNED_BY = """
    select "schema", "table", column_name
    from (
        select "schema", "table", sortkey1 as column_name from svv_table_info
        union
        select table_schema, table_name, column_name from information_schema.columns where column_name = 'load_id'
    ) as pruned
    where column_name not like 'AUTO%%' and "schema" not in ('stand_in', 'pg_catalog', 'information_schema')
"""


@dataclass(frozen=True)
class Scanned:
    """Rows of one table."""

    read: int
    written: int


def lay_zone_maps(postgres: Postgres, database: str) -> None:
    """Let the tables that there are be read as if they had zone maps, until they are made anew."""
    connection = postgres.connect(database)
    with connection.cursor() as cursor:
        cursor.execute(_PRUNED_BY)
        for schema, table, column in cursor.fetchall():
            cursor.execute(f'create index on "{schema}"."{table}" ("{column}")')
        cursor.execute(f'alter database "{database}" set enable_seqscan = off')
        cursor.execute(f'alter database "{database}" set enable_nestloop = off')  # it reads the same rows many times
        cursor.execute("analyze")
    connection.close()


def count_scans(postgres: Postgres, database: str) -> dict[str, Scanned]:
    """What was read and written since the last call or the server's start, by schema.table."""
    connection = postgres.connect(database)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED)
        counted = {name: Scanned(read, written) for name, read, written in cursor.fetchall() if read or written}
        cursor.execute("select pg_stat_reset()")
    connection.close()
    return counted
