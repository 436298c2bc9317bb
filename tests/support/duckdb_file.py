"""What is in a DuckDB file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb


def rows(database: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(database), read_only=True) as connection:
        schemas = {
            row[0] for row in connection.execute("select schema_name from information_schema.schemata").fetchall()
        }
        connection.execute(f"set search_path = '{','.join(schemas & {'analytics', 'staging'})}'")
        return connection.execute(sql).fetchall()


def tables(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the star and the models below it, sorted, load ids left out."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables where table_schema = 'analytics' "
            "or (table_schema = 'staging' and (table_name like 'stg_%' or table_name like 'int_%')) order by all"
        ).fetchall()
        return {
            f"{schema}.{name}": connection.execute(
                f'select columns(lambda c: not suffix(c, \'load_id\')) from "{schema}"."{name}" order by all'
            ).fetchall()
            for schema, name in names
        }
