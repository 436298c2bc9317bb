"""The lock that keeps two commands from writing a warehouse at once: a file's, and on Redshift a table's too."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pipeline import clock
from pipeline.console.file_faults import make_private
from pipeline.dbt.run_lock import RunLock
from pipeline.errors import MachineError, PipelineError
from pipeline.settings import Settings
from pipeline.warehouse.redshift_lock import redshift_lock
from pipeline.warehouse.warehouse import Warehouse
from pipeline.warehouse.work_file import DAMAGE, advice_on_damage


@contextmanager
def locked(warehouse: Warehouse, command: str) -> Iterator[RunLock]:
    """Hold the warehouse for one command. The lock ends with its process, in any case."""
    folder = warehouse.settings.state_folder
    make_private(folder)
    with (folder / f"{warehouse.settings.name}.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            raise PipelineError(
                f"Another command is writing the warehouse{f': {holder}' if holder else ''}. "
                "Run this again when it has finished."
            ) from None
        file.truncate(0)
        file.write(f"{command} (process {os.getpid()}, since {clock.now().astimezone():%H:%M:%S})")
        file.flush()
        _sweep(warehouse.settings)
        if warehouse.settings.target == "duckdb":
            try:
                yield RunLock()  # the file is on this machine, and so are its writers
            except PipelineError as error:
                if DAMAGE.search(str(error)) and not isinstance(error, MachineError):
                    raise PipelineError(*error.args, advice_on_damage(warehouse.settings)) from error
                raise
            return
        with redshift_lock(warehouse, command) as lock:
            yield lock


def _sweep(settings: Settings) -> None:
    """Delete what a killed command has left next to the warehouse. The caller holds the lock."""
    shutil.rmtree(settings.load_folder, ignore_errors=True)
    with suppress(OSError):
        settings.publishing.unlink(missing_ok=True)
