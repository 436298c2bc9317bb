"""Compare the work file and the published file, so that a lost, damaged or older work file never loses published data.

DuckDB only. The published file is a copy of the work file, so their two ledgers show which one is behind: the order of
their entries is the order of events, and no clock is needed.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.console.display import Display, counted, first_of
from pipeline.console.file_faults import file_fault
from pipeline.errors import MachineError, PipelineError
from pipeline.foreign_text import first_line, shell_word, shown
from pipeline.settings import Settings

if TYPE_CHECKING:
    import duckdb

HEADER_BYTES = 3 * 4096  # of a DuckDB file; each checkpoint that writes anything changes them
# Damage that is found only when a part of an opened file is read.
DAMAGE = re.compile(r'Corrupt database file|computed checksum|Could not read enough bytes from file ".*\.(duckdb|db)"')
_NO_DAMAGE = re.compile(r"Could not set lock|Permission denied|version number|Out of Memory", re.IGNORECASE)

Entries = dict[tuple[str, str, str, str], str]
"""The status of each entry of a ledger, by schema, load, source and file."""


class DamagedDatabaseError(MachineError):
    """A DuckDB file that cannot be read, and why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be read: {reason}")
        self.reason = reason


class LockedFileError(PipelineError):
    """A DuckDB file that another program has open to write."""


@dataclass(frozen=True)
class Difference:
    """The published loads, in order, that the work file lacks or has in an earlier state; and the reverse."""

    lost: list[str]
    new: list[str]


def restore_work_file(settings: Settings, display: Display) -> None:
    """Restore a missing, damaged or older work file from the published file. The caller holds the lock.

    Raises:
        PipelineError: neither file can be read, or each has loads that the other lacks.
    """
    work, published = settings.work_database, settings.database
    if settings.target != "duckdb":
        return
    problem = ""
    entries: Entries = {}
    if not work.exists():
        problem = "is missing"
    try:
        entries = read_entries(work)
    except DamagedDatabaseError as error:
        problem = f"cannot be read ({error.reason})"
    try:
        kept = _published_entries(settings)
    except DamagedDatabaseError as error:
        if problem:
            raise MachineError(
                _nothing_to_restore(settings, problem, f"{shown(published)} cannot be read ({error.reason})")
            ) from None
        return  # the next publish replaces it
    if not kept:
        if problem and work.exists():
            raise MachineError(_nothing_to_restore(settings, problem, f"nothing is published at {shown(published)}"))
        return
    if not problem:
        difference = _compare(entries, kept)
        if not difference.lost:
            return
        if difference.new:
            raise PipelineError(_diverged(settings, difference))
        problem = f"is older than the published file: {_loads(difference.lost)} not in it"
    aside = work.with_suffix(".damaged") if "cannot be read" in problem else None
    _restore(settings, aside)
    kept_aside = f" The damaged file is now {shown(aside)}." if aside else ""
    display.warn(
        f"The work file {shown(work)} {problem}. It was restored from {shown(published)}, as last published; files "
        f"loaded after that will be loaded again.{kept_aside}"
    )


def refuse_to_lose_loads(settings: Settings) -> None:
    """Refuse to publish unless every load of the published file is in the work file, or was undone there.

    Raises:
        PipelineError: loads would be lost.
    """
    try:
        kept = _published_entries(settings)
    except DamagedDatabaseError:
        return
    difference = _compare(read_entries(settings.work_database), kept)
    if difference.lost:
        raise PipelineError(_diverged(settings, difference))


def is_as_published(settings: Settings) -> bool:
    """Whether both files are the same: nothing was written to either since the last publish."""
    files = (settings.work_database, settings.database)
    if not all(path.is_file() for path in files) or any(_wal(path).exists() for path in files):
        return False
    try:
        return _identity(files[0]) == _identity(files[1])
    except OSError:
        return False


def is_ahead(settings: Settings) -> bool:
    """Whether the work file may have unpublished changes; False if the published file is not a database."""
    try:
        with settings.database.open("rb") as file:
            is_database = file.read(12)[8:] == b"DUCK"
    except OSError:
        return False
    return is_database and settings.work_database.exists() and not is_as_published(settings)


def read_entries(path: Path) -> Entries:
    """The entries of a file's ledgers; none if there is no file, or no ledger in it.

    Raises:
        DamagedDatabaseError: it is not a DuckDB file, or it is damaged.
        LockedFileError: another program has it open to write.
        PipelineError: it cannot be opened for another reason.
    """
    import duckdb

    if not path.exists():
        return {}
    try:
        with path.open("rb"):
            pass
        with duckdb.connect(str(path), read_only=True) as connection:
            return _entries(connection)
    except OSError as error:
        raise file_fault(error) or MachineError(f"{path} cannot be opened: {error.strerror}.") from error
    except duckdb.Error as error:
        reason = first_line(error)
        if "Could not set lock" in reason:
            raise LockedFileError(f"{path} is open in another program. Close it there and run this again.") from error
        if _NO_DAMAGE.search(reason):
            raise file_fault(error) or MachineError(f"{path} cannot be opened: {reason}") from error
        raise DamagedDatabaseError(path, reason) from error


def _published_entries(settings: Settings) -> Entries:
    """The published file's entries, from a copy if an analyst's tool has the file open to write."""
    try:
        return read_entries(settings.database)
    except LockedFileError as locked:
        copy = settings.publishing
        try:
            shutil.copyfile(settings.database, copy)
            return read_entries(copy)
        except DamagedDatabaseError:
            raise locked from None  # it is being written at this moment
        except OSError as error:
            raise PipelineError(f"{error.filename} cannot be copied: {error.strerror}.") from error
        finally:
            with suppress(OSError):
                copy.unlink(missing_ok=True)


def _entries(connection: duckdb.DuckDBPyConnection) -> Entries:
    found: Entries = {}
    for (schema,) in connection.execute(
        "select distinct table_schema from information_schema.columns "
        "where table_name = 'load_history' and column_name = 'status'"
    ).fetchall():
        for row in connection.execute(
            f'select load_id, source, file_key, status from "{schema}".load_history'
        ).fetchall():
            found[(schema, *row[:3])] = row[3]
    return found


def _compare(work: Entries, published: Entries) -> Difference:
    """A status changes once, from loaded to another, so the ledger that still says loaded is behind."""

    def behind(one: Entries, other: Entries) -> list[str]:
        return sorted(
            {
                entry[1]
                for entry, status in other.items()
                if entry not in one or (one[entry] != status and one[entry] == "loaded")
            }
        )

    return Difference(behind(work, published), behind(published, work))


def _restore(settings: Settings, aside: Path | None) -> None:
    """Replace the work file with a copy of the published file; aside, if given, is where the old one is kept.

    The copy forgets what is built, since an analyst's tool may have written to the published file.
    """
    import duckdb

    work, copy = settings.work_database, settings.publishing
    try:
        work.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(settings.database, copy)
        with duckdb.connect(str(copy)) as connection:
            for schema, table in connection.execute(
                "select table_schema, table_name from information_schema.tables "
                "where table_name in ('build_history', 'run_history')"
            ).fetchall():
                connection.execute(f'delete from "{schema}".{table}')
        with copy.open("rb+") as file:
            os.fsync(file.fileno())
        if aside:
            work.replace(aside)
        _wal(work).unlink(missing_ok=True)  # it belongs to the replaced file
        copy.replace(work)
        sync_folder(work.parent)
    except duckdb.Error as error:
        raise MachineError(f"{settings.database} cannot be read: {first_line(error)}") from error
    except OSError as error:
        raise file_fault(error) or MachineError(
            f"{work} could not be restored: {error.strerror} ({error.filename})."
        ) from error
    finally:
        with suppress(OSError):
            copy.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def advice_on_damage(settings: Settings) -> str:
    """How to restore the work file, after a command has found that a part of it cannot be read."""
    work = shown(settings.work_database)
    return (
        f"The work file {shown(settings.work_database)} is damaged. Move it away, and the next command restores it "
        f"from {shown(settings.database)}: mv {shell_word(work)} {shell_word(f'{work}.damaged')}"
    )


def _diverged(settings: Settings, difference: Difference) -> str:
    work, published = shown(settings.work_database), shown(settings.database)
    others = [f"mv {shell_word(path)} {shell_word(f'{path}.other')}" for path in (work, published)]
    more = f", while the work file has {_loads(difference.new, verb=False)} not published yet"
    return (
        f"{published} has {_loads(difference.lost, verb=False)} that the work file {work} lacks or has in another state"
        f"{more if difference.new else ''}; nothing was published. To keep the published file, move the work file away "
        f"and run again: {others[0]}. To publish the work file instead, move the published file away: {others[1]}"
    )


def _nothing_to_restore(settings: Settings, problem: str, other: str) -> str:
    return (
        f"The work file {shown(settings.work_database)} {problem}, and {other}. Restore one of them from a "
        f"backup, or start over from the source: ./inv reset --yes{settings.flags}, then ./inv run"
    )


def _loads(loads: list[str], *, verb: bool = True) -> str:
    is_or_are = (" is" if len(loads) == 1 else " are") if verb else ""
    return f"{counted(len(loads), 'load')} ({first_of(loads)}){is_or_are}"


def _identity(path: Path) -> tuple[int, bytes]:
    with path.open("rb") as file:
        return path.stat().st_size, file.read(HEADER_BYTES)


def _wal(path: Path) -> Path:
    return Path(f"{path}.wal")
