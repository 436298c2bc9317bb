"""Bad records on both engines: the text of a line, the messages, and how to see what was skipped."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.console.display import counted
from pipeline.errors import DataError, PipelineError

BOM = b"\xef\xbb\xbf"
BLANKS = b" \t\r\n"
VALUE_LENGTH = 80
SHOWN = 20
RAW_TEXT_BYTES = 65535
RAW_TEXT_LETTERS = RAW_TEXT_BYTES // 4  # kept of a longer text; a letter has up to four bytes
CURE = "Fix or remove the files and load again, or pass --max-errors N to skip up to N bad records."


class TooManyRejectsError(DataError):
    """More records are bad than the load may skip."""


class UncountedRecordsError(DataError):
    """The rows and rejects of a file do not add up to its records. name is the file's, or a table's."""

    def __init__(self, *lines: str, name: str = "") -> None:
        super().__init__(*lines)
        self.name = name


class BadRecordError(DataError):
    """A record of the source cannot be loaded as it is; nothing was loaded."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a record. json_key is None if it is the whole line; value is then its text."""

    file_key: str
    line_number: int
    json_key: str | None
    value: Any
    reason: str

    def __str__(self) -> str:
        where = f"{self.file_key}, line {self.line_number}" + (f", {self.json_key}" if self.json_key else "")
        if self.value is None:
            return f"{where}: {self.reason}"
        shown = self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)
        return f"{where}: {self.reason}: {shown[:VALUE_LENGTH]!r}"


@dataclass(frozen=True)
class Reject:
    """A skipped record. by_copy is whether COPY refuses it itself, is_blanked whether it is blanked before COPY."""

    table_name: str
    problem: Problem
    raw_text: str
    by_copy: bool
    is_blanked: bool = False

    def row(self) -> dict[str, Any]:
        """Its row in load_rejects, without load and source."""
        is_long = len(self.raw_text.encode()) > RAW_TEXT_BYTES
        return {
            "file_key": self.problem.file_key,
            "table_name": self.table_name,
            "line_number": self.problem.line_number,
            "column_name": self.problem.json_key,
            "raw_text": self.raw_text[:RAW_TEXT_LETTERS] if is_long else self.raw_text,
            "reason": self.problem.reason,
        }


@dataclass(frozen=True)
class Rejects:
    """The records that a load skipped: how many, and the query that shows them."""

    count: int
    query: str

    @classmethod
    def of(cls, load_id: str, count: int) -> Rejects | None:
        sql = f"select * from load_rejects where load_id = '{load_id}' order by file_key, line_number"
        return cls(count, sql) if count else None

    @classmethod
    def of_all(cls, rejects: Sequence[Rejects]) -> Rejects | None:
        """The rejects of several loads."""
        if len(rejects) < 2:
            return rejects[0] if rejects else None
        loads = ", ".join(re.findall(r"'\w+'", " ".join(each.query for each in rejects)))
        sql = f"select * from load_rejects where load_id in ({loads}) order by load_id, file_key, line_number"
        return cls(sum(each.count for each in rejects), sql)


def line_text(record: bytes) -> tuple[str, bool]:
    """A line's text, and whether it is UTF-8; other bytes and NUL become escapes."""
    try:
        return record.decode("utf-8").replace("\0", "\\x00"), True
    except UnicodeDecodeError:
        return record.decode("utf-8", "backslashreplace").replace("\0", "\\x00"), False


def parse_record(line: bytes) -> dict[str, Any] | None:
    """The JSON object of a line; None if the line is not exactly one."""
    try:
        record = json.loads(line.strip(BLANKS).decode(), parse_constant=_refuse)
        json.dumps(record, ensure_ascii=False).encode()  # half a surrogate pair has no UTF-8
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def bad_values(problems: Sequence[Problem], count: int) -> BadRecordError:
    """The error of a load that allows no bad records; problems are the first of count."""
    lines = [f"{counted(count, 'bad value')} in the source; nothing was loaded."]
    lines += [f"  {problem}" for problem in problems[:SHOWN]]
    if count > len(problems[:SHOWN]):
        lines.append(f"  … and {count - len(problems[:SHOWN]):,} more")
    return BadRecordError(*lines, CURE)


def too_many(problems: Sequence[Problem], count: int | str, limit: int) -> TooManyRejectsError:
    """The error of a load with more bad records than the limit; problems are the first of them, one per record."""
    said = counted(count, "bad record") if isinstance(count, int) else f"{count} bad records"
    lines = [f"{said} in the source, but --max-errors is {limit:,}; nothing was loaded."]
    lines += [f"  {problem}" for problem in problems[:SHOWN]]
    if isinstance(count, int) and count > len(problems[:SHOWN]):
        lines.append(f"  … and {count - len(problems[:SHOWN]):,} more")
    lines.append("Fix or remove the files and load again, or raise --max-errors.")
    return TooManyRejectsError(*lines)


def uncounted(error: PipelineError) -> UncountedRecordsError | None:
    """The error for records that would be neither rows nor rejects, if a load macro stopped because of them."""
    if not (found := re.search(r"uncounted records: (\{.*\})", str(error))):
        return None
    said = json.loads(found[1])
    return UncountedRecordsError(
        f"{said['file_key']} has {counted(said['records'], 'record')}, of which {said['rows']:,} would be loaded and "
        f"{said['rejects']:,} rejected. Nothing was loaded. If the file was still being written, load again when "
        "it is complete; otherwise this is a bug in the load.",
        name=said["file_key"],
    )
