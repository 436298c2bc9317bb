"""How a file is compressed, by its name, and how its text is read."""

from __future__ import annotations

import bz2
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from backports import zstd

from pipeline.errors import DataError

# The names are COPY's keywords.
SUFFIXES = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstd"}
CHUNK_BYTES = 256 * 1024


class DamagedFileError(DataError):
    """A file cannot be unpacked: it is damaged, or its suffix is wrong."""


def compression_of(name: str) -> str:
    """gzip, bzip2 or zstd; empty for an uncompressed file."""
    return next((kind for suffix, kind in SUFFIXES.items() if name.lower().endswith(suffix)), "")


def without_compression(name: str) -> str:
    """The name without the suffix of its compression."""
    return name.rpartition(".")[0] if compression_of(name) else name


def open_text(raw: io.BufferedIOBase, compression: str) -> io.BufferedIOBase:
    """The text of a file as a stream; for an uncompressed file, the file itself."""
    if compression == "gzip":
        return gzip.open(raw)
    if compression == "bzip2":
        return io.BufferedReader(_Unpacked(raw, bz2.BZ2Decompressor), CHUNK_BYTES)
    if compression == "zstd":
        return io.BufferedReader(_Unpacked(raw, zstd.ZstdDecompressor), CHUNK_BYTES)
    return raw


def text_of(content: bytes, compression: str, *, most: int = -1) -> bytes:
    """The text of a whole file, or its first bytes if most is given."""
    return open_text(io.BytesIO(content), compression).read(most)


def head_of(content: bytes, compression: str, *, most: int) -> bytes:
    """As much of the text as the beginning of a file yields, up to most bytes."""
    text = bytearray()
    stream = open_text(io.BytesIO(content), compression)
    try:
        while len(text) < most and (chunk := stream.read1(most - len(text))):
            text += chunk
    except EOFError:
        pass
    return bytes(text)


@contextmanager
def unpacking(name: str, compression: str) -> Iterator[None]:
    """Turn the failure to unpack a file into one line that names it.

    Raises:
        DamagedFileError: the file is damaged, or its suffix is wrong.
    """
    try:
        yield
    except (EOFError, OSError, zlib.error, zstd.ZstdError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's, not the data's
            raise
        raise DamagedFileError(
            f"{name}: not a valid {compression} file ({error}). Nothing was loaded. Replace or remove the file."
        ) from error


class _Unpacked(io.RawIOBase):
    """Unpacks several streams in a row.

    bz2.BZ2File would silently take a damaged second stream for the end of the file.
    """

    def __init__(self, raw: io.BufferedIOBase, make: Callable[[], Any]) -> None:
        self._raw = raw
        self._make = make
        self._stream: Any = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            chunk = b""
            if self._stream is None or self._stream.eof:
                chunk = (self._stream and self._stream.unused_data) or self._raw.read(CHUNK_BYTES)
                if not chunk:
                    return 0
                self._stream = self._make()
            elif self._stream.needs_input and not (chunk := self._raw.read(CHUNK_BYTES)):
                raise EOFError("it is truncated")
            if text := self._stream.decompress(chunk, len(buffer)):
                buffer[: len(text)] = text
                return len(text)
