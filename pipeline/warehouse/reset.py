"""Drop the warehouse and start over."""

from __future__ import annotations

from pathlib import Path

from pipeline.dbt.runner import Dbt
from pipeline.dbt.session import close_connections
from pipeline.errors import PipelineError
from pipeline.foreign_text import shown
from pipeline.settings import Settings
from pipeline.source.simulate import SAMPLE
from pipeline.warehouse.lock import locked
from pipeline.warehouse.publish import check_ownership
from pipeline.warehouse.warehouse import Warehouse
from pipeline.warehouse.work_file import DamagedDatabaseError, LockedFileError, read_entries


def describe(settings: Settings) -> str:
    """What a reset would drop, with its size, as a line to show before asking."""
    if settings.target == "duckdb":
        check_ownership(settings)
    if settings.target == "redshift":
        warehouse = Warehouse(settings)
        schemas = " and ".join(warehouse.schema(name) for name in ("staging", "analytics"))
        return f"This drops the schemas {schemas} with all their tables on Redshift."
    files = [path for path in _files(settings) if path.exists()]
    size = sum(path.stat().st_size for path in files) / 1e6
    if not files:
        return f"{shown(settings.database)} does not exist yet."
    return f"This drops the warehouse, including the published file: {', '.join(map(shown, files))} ({size:,.1f} MB)."


def reset_warehouse(settings: Settings) -> str:
    """Drop every table and create empty landed tables; return what was done."""
    warehouse = Warehouse(settings)
    with locked(warehouse, "reset") as lock:
        if settings.target == "duckdb":
            _remove_damaged(settings)
        sources = _sources_to_keep(warehouse)
        dbt = Dbt(settings, lock=lock)
        dbt.run_operation("drop_warehouse", sources=sources)
        dbt.command("seed")
        if settings.target == "duckdb":
            close_connections()
            _remove(settings.database)  # last: a reset killed before this leaves the published file
        again = f" Loads still come from {', '.join(map(shown, sources))}." if sources else ""
        return f"Dropped. The landed tables are empty.{again}"


def _sources_to_keep(warehouse: Warehouse) -> list[str]:
    """The sources that the warehouse remembers, except the sample in the default database, which needs no reminder."""
    if not warehouse.has_table("staging", "load_history"):
        return []
    try:
        sources = warehouse.sources()
    except PipelineError:  # an older version of the project made it
        sql = f"select distinct source from {warehouse.schema('staging')}.load_history order by source"
        sources = [source for (source,) in warehouse.query(sql).rows]
    return [source for source in sources if source != str(SAMPLE) or not warehouse.settings.is_default]


def _remove_damaged(settings: Settings) -> None:
    for path in (settings.work_database, settings.database):
        try:
            read_entries(path)
        except DamagedDatabaseError:
            _remove(path)
        except LockedFileError:
            if path == settings.work_database:
                raise


def _remove(database: Path) -> None:
    for path in _with_log(database):
        path.unlink(missing_ok=True)


def _files(settings: Settings) -> list[Path]:
    return [*_with_log(settings.database), *_with_log(settings.work_database)]


def _with_log(database: Path) -> tuple[Path, Path]:
    return database, Path(f"{database}.wal")
