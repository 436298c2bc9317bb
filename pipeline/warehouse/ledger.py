"""Which files of a source are new, according to the ledger load_history."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import clock
from pipeline.console.display import counted, first_of
from pipeline.errors import DataError, PipelineError, UsageError
from pipeline.foreign_text import shell_word
from pipeline.source.listing import SourceFile
from pipeline.source.simulate import SAMPLE

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.warehouse.warehouse import Warehouse


SHOWN = 5
CHANGED = "changed"  # --reload's word for every changed file; no file's key is equal to it, since keys have a folder
LOADED, UNDONE, REPLACED = "loaded", "undone", "replaced"  # load_history.status: the state of a file's rows


@dataclass(frozen=True)
class LedgerEntry:
    load_id: str
    status: str
    size_bytes: int
    modified_at: datetime | None
    etag: str | None
    content_hash: str | None


@dataclass(frozen=True)
class Ledger:
    """The current entry of each file of one source, by key; and how many files of all sources have rows.

    A file's current entry is the one whose rows are in the warehouse, else the newest; load IDs only grow. outgoing is
    the simulated sample if that is what is loaded: the first other source replaces it.
    """

    of_source: dict[str, LedgerEntry]
    file_count: int
    outgoing: str | None = None

    def is_undone(self, key: str) -> bool:
        return key in self.of_source and self.of_source[key].status == UNDONE


def read_ledger(warehouse: Warehouse, source: str, *, add_source: bool) -> Ledger:
    """Read load_history.

    Raises:
        UsageError: the warehouse holds data of another source, not the sample, and add_source was not passed.
    """
    if not warehouse.has_ledger():
        return Ledger({}, 0)
    rows = warehouse.query(
        "select source, file_key, load_id, status, size_bytes, modified_at, etag, content_hash "
        f"from {warehouse.schema('staging')}.load_history "
        f"order by case when status = '{LOADED}' then 1 else 0 end, load_id"
    ).rows
    loaded = [row for row in rows if row[3] == LOADED]
    others = sorted({row[0] for row in loaded} - {source})
    outgoing = None
    if others and len(others) == len({row[0] for row in loaded}) and not add_source:
        if others == [str(SAMPLE)]:
            outgoing = str(SAMPLE)
        elif source not in warehouse.sources():  # a source that was added but has no load yet is fine
            raise UsageError(_other_source(warehouse.settings, source, others))
    entries = {
        key: LedgerEntry(
            load_id, status, size_bytes, modified_at.replace(tzinfo=UTC) if modified_at else None, etag, content_hash
        )
        for of_source, key, load_id, status, size_bytes, modified_at, etag, content_hash in rows
        if of_source == source
    }
    return Ledger(entries, len(loaded), outgoing)


def next_id(greatest: str | None) -> str:
    """An ID for a load or a run: the time, or the greatest ID plus 1 if the clock is behind it."""
    by_clock = f"{clock.now():%Y%m%dT%H%M%S%f}"
    if greatest is None or by_clock > greatest:
        return by_clock
    digits = f"{int(greatest.replace('T', '')) + 1:020}"
    return f"{digits[:8]}T{digits[8:]}"


def new_load_id(warehouse: Warehouse) -> str:
    """The ID of a load that begins now. The caller holds the warehouse's lock, so no other load gets the same."""
    if not warehouse.has_ledger():
        return next_id(None)
    return next_id(warehouse.query(f"select max(load_id) from {warehouse.schema('staging')}.load_history").rows[0][0])


def loaded_twice(error: Exception) -> PipelineError | None:
    """The error for a file that would have rows of two loads, if a load macro stopped because of one."""
    if not (found := re.search(r"loaded twice: (\{.*\})", str(error))):
        return None
    said = json.loads(found[1])
    return PipelineError(
        f"{said['file_key']} of {said['source']} is already loaded: the ledger changed after this load began. "
        "Nothing was loaded. Run it again."
    )


def new_files(
    source: str,
    files: list[SourceFile],
    ledger: dict[str, LedgerEntry],
    reload: frozenset[str] = frozenset(),
    *,
    may_change: bool = False,
    flags: str = "",
) -> list[SourceFile]:
    """The files to load: those that the ledger does not have, and those in reload.

    may_change includes files that have changed since they were loaded. flags make a suggested command use the same
    warehouse. A file of an undone load counts as loaded, unless it has changed since.

    Raises:
        DataError: a file has changed since it was loaded.
    """
    new: list[SourceFile] = []
    changed: list[SourceFile] = []
    for file in files:
        entry = ledger.get(file.key)
        if entry is None or entry.status == REPLACED or file.key in reload:
            new.append(file)
        elif _differs(source, file, entry):
            (changed if entry.status == LOADED and not may_change else new).append(file)
    if changed:
        names = first_of([file.key for file in changed])
        again = " ".join(f"--reload {shell_word(file.key)}" for file in changed)
        since = "it was" if len(changed) == 1 else "they were"
        if len(changed) > SHOWN:
            again = f"--reload {CHANGED}"
        raise DataError(
            f"{source}: {counted(len(changed), 'file')} changed since {since} loaded: {names}. Nothing was loaded. "
            "Restore the old content and deliver changes as new files, or replace the loaded rows with: "
            f"./inv run {again} --source {shell_word(source)}{flags}"
        )
    return new


def _other_source(settings: Settings, source: str, others: list[str]) -> str:
    run = f"./inv run --source {shell_word(source)}"
    apart = "" if settings.target == "redshift" else f" Keep them apart with: {run} --database other.duckdb"
    return (
        f"This warehouse was loaded from {', '.join(others)}, not from {source}.{apart}\n"
        f"Load both into one warehouse with: {run} --add-source{settings.flags}"
    )


def _differs(source: str, file: SourceFile, entry: LedgerEntry) -> bool:
    if file.size_bytes != entry.size_bytes:
        return True
    if file.etag or entry.etag:
        return file.etag != entry.etag
    # A copy or a checkout changes the time but not the content.
    return file.modified_at != entry.modified_at and content_hash(Path(source) / file.key) != entry.content_hash


def content_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
