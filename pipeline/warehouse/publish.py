"""Replace the published file with the built work file. DuckDB only: on Redshift, readers see committed tables."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.console.file_faults import file_fault
from pipeline.errors import MachineError, PipelineError, UsageError
from pipeline.foreign_text import first_line
from pipeline.interrupts import stop_if_interrupted
from pipeline.settings import Settings
from pipeline.warehouse.warehouse import Warehouse
from pipeline.warehouse.work_file import refuse_to_lose_loads, sync_folder

if TYPE_CHECKING:
    import duckdb


def publish(settings: Settings) -> Path:
    """Copy the work file and atomically replace the published file with the copy; return its path.

    Readers that have the old file open keep it. A failure leaves the old file unchanged. dbt's connections to the work
    file must be closed.

    Raises:
        PipelineError: the work file has not passed its tests in its present state, published loads would be lost, or
            the copy failed.
    """
    import duckdb

    refuse_to_lose_loads(settings)
    copy = settings.publishing
    try:
        with duckdb.connect(str(settings.work_database)) as connection:  # while it is open, no dbt command writes
            _check_tested(settings, connection)
            connection.execute("checkpoint")  # the copy would lack what a killed command left in the WAL
            copy.unlink(missing_ok=True)  # so that the new file gets the default mode
            shutil.copyfile(settings.work_database, copy)
        with copy.open("rb+") as file:
            os.fsync(file.fileno())
        _keep_mode_and_owner(settings.database, copy)
        # Left by a killed program that wrote to the old file; it would damage the new one.
        Path(f"{settings.database}.wal").unlink(missing_ok=True)
        copy.replace(settings.database)
        sync_folder(settings.database.parent)
    except (duckdb.Error, OSError) as error:
        stop_if_interrupted()
        fault = file_fault(error)
        raise MachineError(f"{settings.database} was not published. {fault or first_line(error)}") from error
    finally:
        with suppress(OSError):
            copy.unlink(missing_ok=True)
    return settings.database


def check_ownership(settings: Settings) -> None:
    """Refuse to replace a DuckDB file that is not a warehouse of this project."""
    import duckdb

    if not settings.database.exists():
        return
    try:
        with duckdb.connect(str(settings.database), read_only=True) as connection:
            found = connection.execute("select table_name from information_schema.tables").fetchall()
    except duckdb.Error:
        stop_if_interrupted()
        return  # not a database, or a damaged one
    if found and ("load_history",) not in found:
        raise UsageError(
            f"{settings.database} is not a warehouse of this project: it has tables but no load_history. "
            "Choose another file with --database."
        )


def _check_tested(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    history = f"{Warehouse(settings).schema('staging')}.run_history"
    if not connection.execute(f"select count(*) from {history} where is_current").fetchall()[0][0]:
        raise PipelineError(
            f"{settings.work_database} was changed by another command after its tests had passed, so it was not "
            "published. Run this again."
        )


def _keep_mode_and_owner(published: Path, copy: Path) -> None:
    """Give the copy the mode and, if permitted, the owner and group of the file that it replaces."""
    if not published.exists():
        return
    status = published.stat()
    with suppress(PermissionError):
        os.chown(copy, status.st_uid, status.st_gid)
    copy.chmod(stat.S_IMODE(status.st_mode))
