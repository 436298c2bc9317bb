"""Messages for files that are damaged or cannot be read or written: the problem, the file, and the fix."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import MachineError
from pipeline.foreign_text import shell_word

_ROOM = "Free some space and run it again."
_OWNER = "Run it as the owner, make it writable, or choose another place with --database."
_CURES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.EACCES: _OWNER,
    errno.EPERM: _OWNER,
    errno.EROFS: "Make the disk writable, or choose another place with --database.",
    errno.EIO: "The disk may be failing. Back it up, then run it again.",
    **dict.fromkeys(
        (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP), "Choose another path."
    ),
}
# What comes before the text, which may otherwise be a value of the data that an error quotes.
_SAID_BY = r"(?:(?:IO|FATAL|TransactionContext|INTERNAL) Error|\[Errno \d+\])"
_PATH = re.compile(r"""(?:file|directory|database) "([^"\n]+)"|: '(/[^'\n]+)'|file '(/[^'\n]+)'""")
_REFUSED_BY_DBT = re.compile(r'(?:Path|Directory|File) (["\'])([^\n]+)\1 is not (?:readable|writable)')
_DAMAGE = re.compile(
    r"not a valid DuckDB database|[Cc]orrupt|checksum|[Ff]ailed to deserialize|Serialization Error|INTERNAL Error|"
    r"Could not read enough bytes|replaying WAL",
)


def file_fault(error: BaseException) -> MachineError | None:
    """The error in words for the user if it is about a file or the disk; None if it is about something else."""
    import duckdb

    if isinstance(error, OSError) and error.errno in _CURES:
        return MachineError(_line(error.filename, error.errno))
    return fault_in(str(error)) if isinstance(error, duckdb.Error) else None


def fault_in(text: str) -> MachineError | None:
    """Like file_fault, from the text of an error of an engine or dbt."""
    if found := _REFUSED_BY_DBT.search(text):
        return MachineError(_line(found[2], errno.EACCES))
    path = _named_path(text)
    for number in _CURES:
        if re.search(f"{_SAID_BY}[^\n]*{re.escape(os.strerror(number))}", text):
            return MachineError(_line(path, number))
    if path and path.endswith((".duckdb", ".db", ".wal")) and _DAMAGE.search(text):
        return damaged(Path(path.removesuffix(".wal")), text)
    return None


def damaged(path: Path, reason: str) -> MachineError:
    """The error for a damaged DuckDB file, with how to restore it."""
    found = _DAMAGE.search(reason)
    why = found[0] if found else reason.strip().split("\n")[0]
    if path.parent.name != ".sparkify":
        return MachineError(f"{path} is damaged ({why}). ./inv run recreates it from the work file.")
    if not (path.parent.parent / path.name).exists():
        return MachineError(f"{path} is damaged ({why}). Restore it from a backup, or start over with: ./inv reset")
    aside = f"mv {shell_word(str(path))} {shell_word(f'{path}.damaged')}"
    return MachineError(
        f"{path} is damaged ({why}). Move it away and restore it from the published file with: {aside} && ./inv run"
    )


def make_private(folder: Path) -> None:
    """Create a folder for work files, which contain user names, or close an existing one to all but its owner."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid == os.geteuid() and status.st_mode & 0o077:
        folder.chmod(0o700)


@contextmanager
def private_files() -> Iterator[None]:
    """Make new files readable by their owner only."""
    earlier = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(earlier)


def _named_path(text: str) -> str | None:
    found = _PATH.search(text)
    return next(filter(None, found.groups())) if found else None


def _line(path: str | bytes | int | None, number: int) -> str:
    return f"{path if isinstance(path, str) else 'A file'}: {os.strerror(number)}. {_CURES[number]}"
