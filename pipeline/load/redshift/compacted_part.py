"""One compacted part: the gzip text that COPY reads in place of many files, and the index that leads back to them.

A part is its files' bytes, one file after the other, with two changes that move no line: a byte order mark is dropped,
since it would be in the middle of the part, and a last line without a line feed gets one. So each line of a part, blank
or not, is the same line of a file; only byte positions in the first line of a file with a byte order mark are smaller
by three.
"""

from __future__ import annotations

import gzip
import io
import json
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from pipeline.source.compression import DamagedFileError, compression_of, text_of, unpacking

BOM = b"\xef\xbb\xbf"
# A compressing thread releases Python's lock and then waits behind the readers for it, so it must not do so per file.
BUFFER_BYTES = 256 * 1024
_BLANKS = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class PartFile:
    """The lines of one file within a part, counted from 1."""

    key: str
    first_line: int
    line_count: int


@dataclass(frozen=True)
class CompactedPart:
    """An object that COPY reads in place of the files in it. size_bytes is its size in S3."""

    uri: str
    table_name: str
    size_bytes: int
    files: tuple[PartFile, ...]

    @property
    def index_uri(self) -> str:
        return index_of(self.uri)

    @property
    def line_count(self) -> int:
        return self.files[-1].first_line + self.files[-1].line_count - 1

    def origin(self, line_number: int) -> tuple[str, int] | None:
        """The key of the file that a line came from, and the line's number there; None beyond the part's lines.

        Where an object takes several lines, Redshift reports its last one.
        """
        if not 1 <= line_number <= self.line_count:
            return None
        # If several files begin at the same line, all but the last are empty.
        file = self.files[bisect_right(self.files, line_number, key=lambda file: file.first_line) - 1]
        return file.key, line_number - file.first_line + 1


class PartWriter:
    """Writes a part's gzip text and keeps count of its lines. The same files give the same bytes."""

    def __init__(self, target: BinaryIO) -> None:
        packed = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=target, mtime=0)
        # The stub allows raw files only, but anything with their methods will do.
        self._text = io.BufferedWriter(packed, BUFFER_BYTES)  # type: ignore[arg-type]
        self._next_line = 1
        self.files: list[PartFile] = []

    def add(self, key: str, text: bytes) -> None:
        self._text.write(text)
        line_count = text.count(b"\n")
        if text and not text.endswith(b"\n"):
            self._text.write(b"\n")
            line_count += 1
        self.files.append(PartFile(key, self._next_line, line_count))
        self._next_line += line_count

    @property
    def line_count(self) -> int:
        return self._next_line - 1

    def close(self) -> None:
        """Write gzip's end. The target stays open."""
        self._text.close()


def file_text(key: str, raw: bytes, *, limit: int) -> bytes | None:
    """The bytes of a file as they go into a part; None if COPY must read the file as it is.

    That is a file that is not just a sequence of JSON values (COPY would read on into the next file and report an error
    there), one that is not compressed as its name says, or one that unpacks to more than limit bytes.
    """
    compression = compression_of(key)
    try:
        with unpacking(key, compression):
            raw = text_of(raw, compression, most=limit + 1)
    except DamagedFileError:
        return None
    text = raw.removeprefix(BOM)
    return text if len(raw) <= limit and _is_whole(text) else None


def _is_whole(text: bytes) -> bool:
    """Whether the text is JSON objects or arrays and nothing else.

    COPY checks whether it is valid UTF-8; Latin-1 has a character for each byte.
    """
    characters = text.decode("latin-1")
    position = _after_blanks(characters, 0)
    while position < len(characters):
        if characters[position] not in "{[":
            return False
        try:
            _, position = _DECODER.raw_decode(characters, position)
        except (ValueError, RecursionError):
            return False
        position = _after_blanks(characters, position)
    return True


def _after_blanks(characters: str, position: int) -> int:
    blanks = _BLANKS.match(characters, position)
    return blanks.end() if blanks else position


def index_of(part: str) -> str:
    """The address or key of a part's index."""
    return f"{part.removesuffix('.json.gz')}.index.json.gz"


def write_index(*, etag: str, size_bytes: int, files: Iterable[PartFile], left_out: Iterable[str]) -> bytes:
    """A part's index: the part's ETag and size, and each file's key with its number of lines."""
    index = {
        "etag": etag,
        "size_bytes": size_bytes,
        "files": [[file.key, file.line_count] for file in files],
        "left_out": list(left_out),
    }
    return gzip.compress(json.dumps(index, ensure_ascii=False).encode(), mtime=0)


def read_index(body: bytes, *, uri: str, table_name: str, etag: str) -> tuple[CompactedPart, frozenset[str]] | None:
    """The part that an index describes and the keys left out of it; None if it describes another object."""
    index = json.loads(gzip.decompress(body))
    if index["etag"] != etag:
        return None
    files = []
    next_line = 1
    for key, line_count in index["files"]:
        files.append(PartFile(key, next_line, line_count))
        next_line += line_count
    return CompactedPart(uri, table_name, index["size_bytes"], tuple(files)), frozenset(index["left_out"])
