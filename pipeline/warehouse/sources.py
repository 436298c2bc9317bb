"""Which sources a warehouse is loaded from: those that were named for it, or the sample if none ever was."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from pipeline.console.display import Display, print_text
from pipeline.dbt.runner import Dbt
from pipeline.dbt.session import close_connections
from pipeline.errors import PipelineError, UsageError
from pipeline.settings import WAS_NAMED, Settings
from pipeline.source.simulate import SAMPLE, ensure_sample
from pipeline.warehouse.warehouse import Warehouse

SAMPLE_NOTE = "This is simulated sample data."


def sources_to_load(settings: Settings, display: Display) -> list[str]:
    """The named source; else all sources that the warehouse knows; else the sample, if allowed.

    Raises:
        UsageError: no source is known, and this is not the default database of a clone that never had a source.
    """
    if settings.source:
        return [ensure_sample(display) if settings.source == str(SAMPLE) else settings.source]
    known = Warehouse(settings).sources()
    if own := [source for source in known if source != str(SAMPLE)]:
        return own
    if known or (settings.target == "duckdb" and settings.is_default and not WAS_NAMED.exists()):
        return [ensure_sample(display)]
    where = "on Redshift" if settings.target == "redshift" else f"in {settings.database}"
    raise UsageError(f"No source is known for the warehouse {where}. Pass a folder or an s3:// address with --source.")


def is_unknown(settings: Settings) -> bool:
    """Whether a source is named that the warehouse does not know yet."""
    return settings.source is not None and settings.source not in Warehouse(settings).sources()


def remember(settings: Settings, dbt: Dbt) -> None:
    """Record the named source before anything is loaded from it. The caller holds the warehouse's lock."""
    dbt.run_operation("remember_source", source_name=settings.source)
    with suppress(OSError):  # the project may be read-only
        WAS_NAMED.touch()
    if settings.target == "duckdb":
        close_connections()


def is_sample(warehouse: Warehouse, database: Path | None = None) -> bool:
    """Whether the simulated sample is loaded there."""
    if warehouse.settings.target != "duckdb":
        return False  # Redshift loads from S3 only
    ledger = f"{warehouse.schema('staging')}.load_history"
    sql = f"select count(*) from {ledger} where status = 'loaded' and source = '{_escaped(str(SAMPLE))}'"
    try:
        return warehouse.count(sql, database=database) > 0
    except PipelineError:  # no warehouse, or it has no ledger
        return False


def tell_of_sample(warehouse: Warehouse, database: Path | None) -> None:
    """Print a line on standard error, next to the rows of a query."""
    if is_sample(warehouse, database):
        print_text(SAMPLE_NOTE, file=sys.stderr)


def _escaped(text: str) -> str:
    return text.replace("'", "''")
