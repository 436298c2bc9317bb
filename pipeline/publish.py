"""Swap the built work file in for what analysts open. DuckDB only: on Redshift readers see committed tables."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import MachineError, PipelineError, UsageError
from pipeline.files import file_fault
from pipeline.foreign_text import first_line
from pipeline.interrupts import stop_if_interrupted
from pipeline.settings import Settings
from pipeline.warehouse import Warehouse
from pipeline.work_file import refuse_to_lose_loads, sync_folder

if TYPE_CHECKING:
    import duckdb


def publish(settings: Settings) -> Path:
    """Copy the work file and put the copy in the published file's place, at once; return its path.

    Readers that have the old file open keep it. A failure leaves the old file as it was. dbt's connections to the work
    file must be closed.

    Raises:
        PipelineError: the work file has not passed its tests as it is now, loads that are published would vanish, or
            the copy failed.
    """
    import duckdb

    refuse_to_lose_loads(settings)
    copy = settings.publishing
    try:
        with duckdb.connect(str(settings.work_database)) as connection:  # while it is open, no dbt command writes
            _check_tested(settings, connection)
            connection.execute("checkpoint")  # what a killed command left in the WAL would not be in the copy
            copy.unlink(missing_ok=True)  # so that the new one's mode is that of any new file
            shutil.copyfile(settings.work_database, copy)
        with copy.open("rb+") as file:
            os.fsync(file.fileno())
        _as_before(settings.database, copy)
        # Left by a reader that wrote and was killed; it belongs to the old file and would damage the new one.
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
    """Refuse to replace a DuckDB file that is no warehouse of this project."""
    import duckdb

    if not settings.database.exists():
        return
    try:
        with duckdb.connect(str(settings.database), read_only=True) as connection:
            found = connection.execute("select table_name from information_schema.tables").fetchall()
    except duckdb.Error:
        stop_if_interrupted()
        return  # no database at all, or a damaged one
    if found and ("load_history",) not in found:
        raise UsageError(
            f"{settings.database} is a DuckDB file of somebody else's: it has tables and no load_history. "
            "Name another file (--database)."
        )


def _check_tested(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    history = f"{Warehouse(settings).schema('staging')}.run_history"
    if not connection.execute(f"select count(*) from {history} where is_current").fetchall()[0][0]:
        raise PipelineError(
            f"{settings.work_database} was written by another command after its tests had passed, so it was not "
            "published. Run this again."
        )


def _as_before(published: Path, copy: Path) -> None:
    """Give the copy the mode and, where this user may, the owner and group of the file whose place it takes."""
    if not published.exists():
        return
    status = published.stat()
    with suppress(PermissionError):
        os.chown(copy, status.st_uid, status.st_gid)
    copy.chmod(stat.S_IMODE(status.st_mode))
