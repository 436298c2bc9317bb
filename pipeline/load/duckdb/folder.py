"""The folder with the input of one load for DuckDB: the ledger's entries, and the small files' lines in one file.

DuckDB reads big files where they are. It would open thousands of one-object files one by one, so their lines go into
one NDJSON file together with their file and line number, which also locate bad records.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

from pipeline.errors import DataError, MachineError
from pipeline.load.record_text import find_nul, is_suspicious
from pipeline.load.rejects import BLANKS, BOM, line_text
from pipeline.source.compression import SUFFIXES, open_text, unpacking
from pipeline.source.listing import SourceFile
from pipeline.source.s3 import s3_client
from pipeline.source.s3_reader import fetch_file, read_ahead

SMALL_FILE_BYTES = 256 * 1024
HEAD_BYTES = 1024 * 1024
GLOB = re.compile(r"[*?\[\]{}\\]")
DUCKDB_COMPRESSIONS = {
    "": "none",
    "gzip": "gzip",
    "zstd": "zstd",
}  # the compressions it can read, with its names for them


@dataclass
class TableInput:
    """What the load macro reads for one table: big files as they are, and the file with the lines of the others.

    files has the paths of the big files by DuckDB's name for their compression. heads is a file with their first
    lines, for a check of their keys.
    """

    files: dict[str, list[str]] = field(default_factory=dict)
    lines: str | None = None
    heads: str | None = None


@dataclass(frozen=True)
class _Content:
    """What was found in a file: its size, SHA-256 and number of records, and the first lines of a big file.

    is_suspicious means that a big file's lines must be checked one by one (pipeline/load/record_text.py).
    """

    size_bytes: int
    digest: str
    record_count: int
    head: bytes = b""
    is_suspicious: bool = False


@dataclass(frozen=True)
class _BigFile:
    """A file for DuckDB to read where it is."""

    number: int
    file: SourceFile
    path: Path
    digest: str


@dataclass
class LoadFolder:
    """The files of a load, ready for the macro. empty has the keys of files without a record."""

    path: Path
    source: str
    tables: dict[str, TableInput] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    big_files: list[_BigFile] = field(default_factory=list)

    @property
    def entries(self) -> Path:
        return self.path / "files.ndjson"

    @property
    def problems(self) -> Path:
        return self.path / "problems.ndjson"

    def lines_of(self, table_name: str) -> TextIO:
        """The file with a table's lines, opened for appending. The caller closes it."""
        path = self.path / f"{table_name}.ndjson"
        self.tables[table_name].lines = str(path)
        return path.open("a", encoding="utf-8")


def fill_load_folder(
    path: Path,
    source: str,
    files: Sequence[SourceFile],
    *,
    advance: Callable[[int], None] = lambda _count: None,
    fetched: Callable[[int, int], None] = lambda _done, _total: None,
) -> LoadFolder:
    """Write what the load macro reads.

    advance is called with the number of files done; fetched with the bytes done and the total of a big file in S3.

    Raises:
        MachineError: a file cannot be read.
        DataError: a file has changed since it was listed.
    """
    path.mkdir(parents=True, exist_ok=True)
    folder = LoadFolder(path, source)
    open_source = _in_s3 if source.startswith("s3://") else _in_folder
    try:
        with ExitStack() as stack, folder.entries.open("w", encoding="utf-8") as entries:
            contents = stack.enter_context(closing(open_source(source, files, path, fetched)))
            writers: dict[str, TextIO] = {}
            for number, (file, content) in enumerate(zip(files, contents, strict=True)):
                table = folder.tables.setdefault(file.table_name, TableInput())
                name = f"{source}/{file.key}"
                with unpacking(name, file.compression):
                    big = content if isinstance(content, Path) and _is_for_duckdb(content, file.compression) else None
                    found = _scan(big, file.compression) if big else None
                    if big and found and not found.is_suspicious:
                        table.files.setdefault(DUCKDB_COMPRESSIONS[file.compression], []).append(str(big))
                        folder.big_files.append(_BigFile(number, file, big, found.digest))
                        table.heads = str(path / f"{file.table_name}_heads.ndjson")
                        with open(table.heads, "ab") as heads:
                            heads.write(found.head)
                    else:
                        big = None
                        if file.table_name not in writers:
                            writers[file.table_name] = stack.enter_context(folder.lines_of(file.table_name))
                        found = _write_lines(number, content, file.compression, writers[file.table_name])
                if found.size_bytes != file.size_bytes:
                    raise _changed(name)
                if not found.record_count:
                    folder.empty.append(file.key)
                entries.write(_entry(number, file, found, big))
                advance(1)
    except OSError as error:
        raise MachineError(f"{error.filename or path}: {error.strerror}. Nothing was loaded.") from error
    return folder


def put_big_files_among_lines(folder: LoadFolder, *, advance: Callable[[int], None] = lambda _count: None) -> None:
    """Make DuckDB read the big files line by line too, which takes longer but finds the line of a bad record.

    Raises:
        DataError: a file has changed since the folder was filled.
    """
    try:
        for big in folder.big_files:
            name = f"{folder.source}/{big.file.key}"
            with folder.lines_of(big.file.table_name) as lines, unpacking(name, big.file.compression):
                found = _write_lines(big.number, big.path, big.file.compression, lines)
            if found.digest != big.digest:
                raise _changed(name)
            advance(1)
    except OSError as error:
        raise MachineError(f"{error.filename or folder.path}: {error.strerror}. Nothing was loaded.") from error
    for table in folder.tables.values():
        table.files = {}


def _changed(name: str) -> DataError:
    return DataError(f"{name} changed while it was being loaded. Nothing was loaded; run it again.")


def _in_folder(
    source: str, files: Sequence[SourceFile], _path: Path, _fetched: Callable[[int, int], None]
) -> Generator[bytes | Path]:
    """Each file of a folder: its content, or its path if it is big."""
    for file in files:
        path = Path(source, file.key)
        if path.stat().st_size != file.size_bytes:
            raise _changed(str(path))
        yield path.read_bytes() if file.size_bytes < SMALL_FILE_BYTES else path


def _in_s3(
    source: str, files: Sequence[SourceFile], path: Path, fetched: Callable[[int, int], None]
) -> Generator[bytes | Path]:
    """The same for objects. A big one is downloaded to a numbered file, since a key need not be a valid path."""
    s3 = s3_client()
    suffixes = {kind: suffix for suffix, kind in SUFFIXES.items()}
    small = (file for file in files if file.size_bytes < SMALL_FILE_BYTES)
    with closing(read_ahead(source, small, s3=s3)) as contents:
        for number, file in enumerate(files):
            if file.size_bytes < SMALL_FILE_BYTES:
                yield next(contents)
            else:
                copy = path / f"{number}.object{suffixes.get(file.compression, '')}"
                fetch_file(source, file, copy, s3=s3, fetched=fetched)
                yield copy


def _entry(number: int, file: SourceFile, content: _Content, path: Path | None) -> str:
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
                "path": str(path) if path else None,
            }
        )
        + "\n"
    )


def _is_for_duckdb(path: Path, compression: str) -> bool:
    """Whether DuckDB can read a file where it is: it knows the compression, and there is no byte order mark or glob."""
    if compression not in DUCKDB_COMPRESSIONS or GLOB.search(str(path)):
        return False
    with path.open("rb") as raw, open_text(raw, compression) as text:
        return text.read(len(BOM)) != BOM


def _scan(path: Path, compression: str) -> _Content:
    """Read a big file to its end for its ledger entry, and count its records: the lines that are not blank."""
    digest = hashlib.sha256()
    records = size = 0
    suspicious = False
    with path.open("rb") as raw:
        if compression:
            digest = hashlib.file_digest(raw, "sha256")
            size = raw.tell()
            raw.seek(0)
        with open_text(raw, compression) as file:
            head = chunk = file.read(HEAD_BYTES)
            while chunk:
                if not chunk.endswith(b"\n"):
                    chunk += file.readline()
                if not compression:
                    digest.update(chunk)
                    size += len(chunk)
                records += sum(1 for line in chunk.split(b"\n") if line.strip(BLANKS))
                suspicious = suspicious or is_suspicious(chunk)
                chunk = file.read(HEAD_BYTES)
    return _Content(size, digest.hexdigest(), records, head[: head.rfind(b"\n") + 1], suspicious)


def _write_lines(number: int, content: bytes | Path, compression: str, lines: TextIO) -> _Content:
    """Append a file's records, each with its line number."""
    records = 0
    with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as raw:
        digest = hashlib.file_digest(raw, "sha256").hexdigest()
        size = raw.seek(0, io.SEEK_END)
        raw.seek(0)
        for line_number, record in enumerate(open_text(raw, compression), start=1):
            record = (record.removeprefix(BOM) if line_number == 1 else record).strip(BLANKS)
            if record:
                lines.write(_line(number, line_number, record))
                records += 1
    return _Content(size, digest, records)


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
