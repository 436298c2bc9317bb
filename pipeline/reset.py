"""Drop the warehouse and begin again."""

from __future__ import annotations

from pathlib import Path

from pipeline.dbt import Dbt, close_connections
from pipeline.display import shown
from pipeline.publish import check_ownership
from pipeline.settings import Settings
from pipeline.warehouse import Warehouse


def describe(settings: Settings) -> str:
    """What a reset would drop, with its size, as a line for the question."""
    if settings.target == "duckdb":
        check_ownership(settings)
    if settings.target == "redshift":
        warehouse = Warehouse(settings)
        schemas = " and ".join(warehouse.schema(name) for name in ("staging", "analytics"))
        return f"On Redshift, the schemas {schemas} with all their tables."
    files = [path for path in _files(settings) if path.exists()]
    size = sum(path.stat().st_size for path in files) / 1e6
    if not files:
        return f"{shown(settings.database)} does not exist yet."
    return f"This drops the warehouse, what analysts open included: {', '.join(map(shown, files))} ({size:,.1f} MB)."


def reset_warehouse(settings: Settings) -> str:
    """Drop every table and make the landed tables empty; return what was done."""
    with Warehouse(settings).lock("reset") as lock:
        if settings.target == "duckdb":
            for path in _files(settings):
                path.unlink(missing_ok=True)
            Dbt(settings).command("seed")  # which makes the landed tables first
            close_connections()
            return f"Dropped. {settings.work_database} is new and empty."
        dbt = Dbt(settings, lock=lock)
        dbt.run_operation("drop_warehouse")
        dbt.command("seed")
        return "Dropped. The landed tables are new and empty."


def _files(settings: Settings) -> list[Path]:
    paths = (settings.database, settings.work_database)
    return [file for path in paths for file in (path, Path(f"{path}.wal"))]
