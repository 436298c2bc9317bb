"""The folder that hands one load over to DuckDB: the ledger's entries, and the small files' lines in one file.

DuckDB reads big files where they are. Thousands of one-object files it would open one by one; their lines are put into
one NDJSON file together with where each stood, which is also how a bad record is found in any file.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from pipeline.errors import PipelineError
from pipeline.ledger import content_hash
from pipeline.listing import SourceFile
from pipeline.s3 import s3_errors

SMALL_FILE_BYTES = 256 * 1024
HEAD_BYTES = 1024 * 1024
BOM = b"\xef\xbb\xbf"
GLOB = re.compile(r"[*?\[\]{}\\]")


@dataclass
class TableInput:
    """What the load macro reads for one table: big files as they are, and the file with the lines of the others.

    heads is a file with the first lines of the big files, for a look at their keys.
    """

    files: list[str] = field(default_factory=list)
    lines: str | None = None
    heads: str | None = None
    root_length: int = 0


@dataclass
class LoadFolder:
    """The files of a load, ready for the macro."""

    path: Path
    tables: dict[str, TableInput]

    @property
    def entries(self) -> Path:
        return self.path / "files.ndjson"

    @property
    def problems(self) -> Path:
        return self.path / "problems.ndjson"


def fill_load_folder(
    folder: Path,
    root: Path,
    files: Iterable[SourceFile],
    *,
    every_line: bool = False,
    advance: Callable[[int], None] = lambda _count: None,
) -> LoadFolder:
    """Write what the load macro reads.

    root holds the files by their keys. every_line puts big files among the lines too, which takes longer and can name
    the line of a bad record. advance is told how many files were done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    result = LoadFolder(folder, {})
    try:
        with ExitStack() as stack, result.entries.open("w", encoding="utf-8") as entries:
            writers: dict[str, TextIO] = {}
            for number, file in enumerate(files):
                table = result.tables.setdefault(file.table_name, TableInput(root_length=len(str(root))))
                path = root / file.key
                if file.size_bytes >= SMALL_FILE_BYTES and not every_line and _is_plain(path):
                    digest = content_hash(path)
                    table.files.append(str(path))
                    table.heads = str(folder / f"{file.table_name}_heads.ndjson")
                    with open(table.heads, "ab") as heads:
                        heads.write(_head(path))
                else:
                    if table.lines is None:
                        table.lines = str(folder / f"{file.table_name}.ndjson")
                        writers[file.table_name] = stack.enter_context(open(table.lines, "w", encoding="utf-8"))
                    digest = _write_lines(number, path, writers[file.table_name])
                entries.write(_entry(number, file, digest))
                advance(1)
    except OSError as error:
        raise PipelineError(f"{error.filename or folder}: {error.strerror}. Nothing was loaded.") from error
    return result


def fetch_from_s3(source: str, files: list[SourceFile], folder: Path) -> Path:
    """Copy the objects below a folder, under their keys; return the folder."""
    import s3fs

    targets = [folder / file.key for file in files]
    for parent in {target.parent for target in targets}:
        parent.mkdir(parents=True, exist_ok=True)
    with s3_errors(source):
        s3 = s3fs.S3FileSystem(skip_instance_cache=True)
        s3.get([f"{source}/{file.key}" for file in files], [str(target) for target in targets])
    return folder


def _entry(number: int, file: SourceFile, digest: str) -> str:
    return (
        json.dumps(
            {
                "table_name": file.table_name,
                "file_number": number,
                "file_key": file.key,
                "size_bytes": file.size_bytes,
                "modified_at": file.modified_at.strftime("%Y-%m-%d %H:%M:%S.%f"),
                "etag": file.etag,
                "content_hash": digest,
            }
        )
        + "\n"
    )


def _is_plain(path: Path) -> bool:
    """Whether DuckDB can read the file where it is: no byte order mark, no glob character in its path."""
    with _opened(path) as file, _unpacking(path):
        return file.read(len(BOM)) != BOM and not GLOB.search(str(path))


def _opened(path: Path) -> BinaryIO:
    """The file's text as bytes, unpacked where it is packed. The caller closes it."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _head(path: Path) -> bytes:
    """The whole lines in the first megabyte of a file. A gzip file is read to its end, to see that it has one."""
    with _opened(path) as file, _unpacking(path):
        head = file.read(HEAD_BYTES)
        while path.suffix == ".gz" and file.read(HEAD_BYTES):
            pass
    return head[: head.rfind(b"\n") + 1]


def _write_lines(number: int, path: Path, lines: TextIO) -> str:
    """Append a file's lines, each with where it stood; return the hash of the file's bytes."""
    small = path.stat().st_size < SMALL_FILE_BYTES
    with io.BytesIO(path.read_bytes()) if small else path.open("rb") as raw, _unpacking(path):
        digest = hashlib.file_digest(raw, "sha256").hexdigest()
        raw.seek(0)
        stream = gzip.open(raw) if path.suffix == ".gz" else raw  # noqa: SIM115 - closing raw is enough
        for line_number, record in enumerate(stream, start=1):
            record = (record.removeprefix(BOM) if line_number == 1 else record).strip(b" \t\r\n")
            if record:
                lines.write(_line(number, line_number, record))
    return digest


@contextmanager
def _unpacking(path: Path) -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise PipelineError(f"{path}: not a whole gzip file ({error}). Nothing was loaded.") from error


def _line(file_number: int, line_number: int, record: bytes) -> str:
    try:
        raw, is_utf8 = record.decode("utf-8"), "true"
    except UnicodeDecodeError:
        raw, is_utf8 = record.decode("utf-8", "backslashreplace"), "false"
    return (
        f'{{"file_number":{file_number},"line_number":{line_number},"is_utf8":{is_utf8},'
        f'"raw":{json.dumps(raw, ensure_ascii=False)}}}\n'
    )
