"""The records of an object in S3, and which of a record's values go to which column."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from redshift_stand_in.copy_values import FieldError, Number
from redshift_stand_in.errors import NotInStandIn, RedshiftError

OBJECT_BYTES = 4 * 1024 * 1024

Pick = Callable[[Any], list[Any]]
"""The values of a record in the order of the columns."""


@dataclass(frozen=True)
class Record:
    """A record, or what is wrong with it. line is the last of its lines, counted from 1; raw is its text."""

    line: int
    raw: str
    value: Any = None
    error: FieldError | None = None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse_constant)
_BLANK = re.compile(r"\s*")


def records(chunks: Iterable[bytes]) -> Iterator[Record]:
    """Every JSON value of an object's content, whatever lines it takes; little more than one is held at a time."""
    source = _Source(chunks)
    line = 1
    while True:
        line += source.skip_blanks()
        if not source.fill():
            return
        raw, value, error = source.take()
        line += raw.count("\n")
        if error is None and len(raw.encode("utf-8", "surrogateescape")) > OBJECT_BYTES:
            error = FieldError(1216, "JSON object is larger than 4 MB")
        yield Record(line, raw, value, error)


def text_records(chunks: Iterable[bytes], delimiter: str, *, skips_blank: bool) -> Iterator[Record]:
    """Every line of an object's content, as the list of its fields. Neither quotes nor backslashes mean anything."""
    for line, raw in enumerate(_lines(chunks), start=1):
        text = raw.decode("utf-8", "surrogateescape")
        if not text and skips_blank:
            continue
        error = None
        if len(raw) > OBJECT_BYTES:
            error = FieldError(1204, "Row is longer than 4 MB")
        elif "\0" in text:  # without NULL AS
            error = FieldError(1218, "Invalid null byte - field longer than 1 byte")
        yield Record(line, text, [None if field == "\\N" else field for field in text.split(delimiter)], error)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


class _Source:
    """Text as it comes in, read value by value."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._text = ""
        self._position = 0
        self._is_whole = False

    def fill(self) -> bool:
        """See that a whole object is at hand; whether there is anything."""
        if not self._is_whole and len(self._text) - self._position <= 2 * OBJECT_BYTES:
            parts = [self._text[self._position :]]
            size = len(parts[0])
            while size <= 4 * OBJECT_BYTES and not self._is_whole:
                chunk = next(self._chunks, b"")
                self._is_whole = not chunk
                parts.append(self._decode(chunk, final=self._is_whole))
                size += len(parts[-1])
            self._text, self._position = "".join(parts), 0
        return self._position < len(self._text)

    def skip_blanks(self) -> int:
        """Pass over white space; the number of lines that it ends."""
        lines = 0
        while self.fill():
            end = _BLANK.match(self._text, self._position).end()
            lines += self._text.count("\n", self._position, end)
            self._position = end
            if end < len(self._text):
                break
        return lines

    def take(self) -> tuple[str, Any, FieldError | None]:
        """The next value with its text; or the rest of a line that holds none, and why."""
        start = self._position
        try:
            value, self._position = _DECODER.raw_decode(self._text, start)
            return self._text[start : self._position], value, None
        except (ValueError, RecursionError) as failure:
            end = self._text.find("\n", start)
            self._position = len(self._text) if end < 0 else end
            error = FieldError(1216, "Invalid value.", getattr(failure, "pos", start) - start)
            return self._text[start : self._position], None, error


def pick_by_name(columns: Sequence[str], *, ignore_case: bool) -> Pick:
    """'auto': the key is the column's name, which is in lower case."""

    def pick(record: Any) -> list[Any]:
        if not isinstance(record, dict):
            raise FieldError(1216, "Invalid value.")
        by_name = {key.lower() if ignore_case else key: value for key, value in record.items()}
        return [by_name.get(column) for column in columns]

    return pick


def pick_by_position(column_count: int) -> Pick:
    """The fields of a line of text."""

    def pick(fields: Any) -> list[Any]:
        if len(fields) > column_count:
            raise FieldError(1202, "Extra column(s) found")
        if len(fields) < column_count:
            raise FieldError(1201, "Delimiter not found")
        return fields

    return pick


def pick_by_path(content: bytes, column_count: int) -> Pick:
    """A JSONPaths file: one path for each column, in their order.

    Raises:
        RedshiftError: the file is not what it must be.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise RedshiftError("Invalid JSONPaths file: not well-formed") from error
    if not isinstance(document, dict) or "jsonpaths" not in document:
        raise NotInStandIn("a JSONPaths file without \"jsonpaths\", where Redshift falls back to 'auto' in silence")
    paths = document["jsonpaths"]
    if not isinstance(paths, list) or not all(isinstance(path, str) and path for path in paths):
        raise RedshiftError("Invalid JSONPaths file: every path must be a text that is not empty")
    if len(paths) != column_count:
        raise RedshiftError(f"Number of jsonpaths and the number of columns should match. {len(paths)}, {column_count}")
    steps = [_steps(path) for path in paths]
    return lambda record: [_follow(record, step) for step in steps]


def _steps(path: str) -> list[str | int]:
    if re.fullmatch(r"\$(\['[^']+'\]|\[\d+\])+", path):
        return [name or int(index) for name, index in re.findall(r"\['([^']+)'\]|\[(\d+)\]", path)]
    if re.fullmatch(r"\$(\.[^.\['\]*?()@]+(\[\d+\])*)+", path):
        return [name or int(index) for name, index in re.findall(r"\.([^.\[]+)|\[(\d+)\]", path)]
    raise RedshiftError(f"Invalid JSONPath format: {path}")


def _follow(record: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        if isinstance(step, int):
            if not isinstance(record, list) or step >= len(record):
                raise FieldError(1216, "Invalid JSONPath format: Not an array or index out of range.")
            record = record[step]
        elif not isinstance(record, dict):
            raise FieldError(1216, "Invalid JSONPath format: Member is not an object.")
        else:
            record = record.get(step)
        if record is None:
            return None
    return record
