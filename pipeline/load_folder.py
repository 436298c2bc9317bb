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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from pipeline.errors import PipelineError
from pipeline.listing import SourceFile, is_gzip
from pipeline.record_text import find_nul, is_suspicious
from pipeline.rejects import BLANKS, BOM, line_text
from pipeline.s3 import s3_errors

SMALL_FILE_BYTES = 256 * 1024
HEAD_BYTES = 1024 * 1024
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


@dataclass(frozen=True)
class _Content:
    """What was found in a file: its bytes' number and SHA-256, its records, and the first lines if it is a big one.

    is_suspicious tells that a big file's lines need a look one by one (pipeline/record_text.py).
    """

    size_bytes: int
    digest: str
    record_count: int
    head: bytes = b""
    is_suspicious: bool = False


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

    Raises:
        PipelineError: a file cannot be read, or is not what it was when it was listed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    result = LoadFolder(folder, {})
    try:
        with ExitStack() as stack, result.entries.open("w", encoding="utf-8") as entries:
            writers: dict[str, TextIO] = {}
            for number, file in enumerate(files):
                table = result.tables.setdefault(file.table_name, TableInput(root_length=len(str(root))))
                path = root / file.key
                is_big = file.size_bytes >= SMALL_FILE_BYTES and not every_line and _is_plain(path)
                content = _scan(path) if is_big else None
                if content and not content.is_suspicious:
                    table.files.append(str(path))
                    table.heads = str(folder / f"{file.table_name}_heads.ndjson")
                    with open(table.heads, "ab") as heads:
                        heads.write(content.head)
                else:
                    if table.lines is None:
                        table.lines = str(folder / f"{file.table_name}.ndjson")
                        writers[file.table_name] = stack.enter_context(open(table.lines, "w", encoding="utf-8"))
                    content = _write_lines(number, path, writers[file.table_name])
                if content.size_bytes != file.size_bytes:
                    raise PipelineError(f"{path}: changed while it was loaded. Nothing was loaded; load again.")
                entries.write(_entry(number, file, content))
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


def _entry(number: int, file: SourceFile, content: _Content) -> str:
    return (
        json.dumps(
            {
                "table_name": file.table_name,
                "file_number": number,
                "file_key": file.key,
                "size_bytes": file.size_bytes,
                "modified_at": file.modified_at.strftime("%Y-%m-%d %H:%M:%S.%f"),
                "etag": file.etag,
                "content_hash": content.digest,
                "record_count": content.record_count,
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
    return gzip.open(path, "rb") if is_gzip(path.name) else path.open("rb")


def _scan(path: Path) -> _Content:
    """Read a big file to its end for what the ledger needs, and count its records: the lines that are not blank."""
    digest = hashlib.sha256()
    records = size = 0
    suspicious = False
    with path.open("rb") as raw:
        if is_gzip(path.name):
            digest = hashlib.file_digest(raw, "sha256")
            size = raw.tell()
        with _opened(path) as file, _unpacking(path):
            head = chunk = file.read(HEAD_BYTES)
            while chunk:
                if not chunk.endswith(b"\n"):
                    chunk += file.readline()
                if not is_gzip(path.name):
                    digest.update(chunk)
                    size += len(chunk)
                records += sum(1 for line in chunk.split(b"\n") if line.strip(BLANKS))
                suspicious = suspicious or is_suspicious(chunk)
                chunk = file.read(HEAD_BYTES)
    return _Content(size, digest.hexdigest(), records, head[: head.rfind(b"\n") + 1], suspicious)


def _write_lines(number: int, path: Path, lines: TextIO) -> _Content:
    """Append a file's records, each with the line where it stood."""
    small = path.stat().st_size < SMALL_FILE_BYTES
    records = 0
    with io.BytesIO(path.read_bytes()) if small else path.open("rb") as raw, _unpacking(path):
        digest = hashlib.file_digest(raw, "sha256").hexdigest()
        size = raw.getbuffer().nbytes if isinstance(raw, io.BytesIO) else raw.tell()
        raw.seek(0)
        stream = gzip.open(raw) if is_gzip(path.name) else raw  # noqa: SIM115 - closing raw is enough
        for line_number, record in enumerate(stream, start=1):
            record = (record.removeprefix(BOM) if line_number == 1 else record).strip(BLANKS)
            if record:
                lines.write(_line(number, line_number, record))
                records += 1
    return _Content(size, digest, records)


@contextmanager
def _unpacking(path: Path) -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise PipelineError(f"{path}: not a whole gzip file ({error}). Nothing was loaded.") from error


def _line(file_number: int, line_number: int, record: bytes) -> str:
    raw, is_utf8 = line_text(record)
    found = ""
    if not is_utf8:
        found = '"problem":"not UTF-8",'
    elif b"\0" in record:
        found = '"problem":"malformed JSON",'
    elif flaw := find_nul(record):
        found = f'"flaw":{json.dumps(asdict(flaw))},'
    return (
        f'{{"file_number":{file_number},"line_number":{line_number},{found}'
        f'"raw":{json.dumps(raw, ensure_ascii=False)}}}\n'
    )
