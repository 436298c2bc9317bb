"""What both engines say of bad records: the text of a line, the messages, and how to look at what was left out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.display import counted
from pipeline.errors import PipelineError

BOM = b"\xef\xbb\xbf"
BLANKS = b" \t\r\n"
VALUE_LENGTH = 80
SHOWN = 20
RAW_TEXT_BYTES = 65535
RAW_TEXT_LETTERS = RAW_TEXT_BYTES // 4  # of what is longer; a letter has up to four bytes
CURE = "Mend the files, or take them away, and load again; --max-errors N leaves up to N bad records out."


class TooManyRejects(PipelineError):
    """More records are bad than a tolerant load may leave out."""


class UncountedRecords(PipelineError):
    """The rows and rejects of a file would not be as many as its records."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a record. json_key is None where it is the line as a whole, value then its text."""

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
class Rejects:
    """What a load left out: how many records, and the statement that shows them."""

    count: int
    query: str

    @classmethod
    def of(cls, load_id: str, count: int) -> Rejects | None:
        sql = f"select * from load_rejects where load_id = '{load_id}' order by file_key, line_number"
        return cls(count, sql) if count else None


def line_text(record: bytes) -> tuple[str, bool]:
    """A line's text, and whether it is UTF-8; bytes that are not, and NUL, are written as escapes."""
    try:
        return record.decode("utf-8").replace("\0", "\\x00"), True
    except UnicodeDecodeError:
        return record.decode("utf-8", "backslashreplace").replace("\0", "\\x00"), False


def too_many(problems: Sequence[Problem], count: int | str, limit: int) -> TooManyRejects:
    """The refusal of a load with more bad records than the limit; problems are the first of them, one a record."""
    said = counted(count, "bad record") if isinstance(count, int) else f"{count} bad records"
    lines = [f"{said} in the source, and --max-errors is {limit:,}; nothing was loaded."]
    lines += [f"  {problem}" for problem in problems[:SHOWN]]
    if isinstance(count, int) and count > len(problems[:SHOWN]):
        lines.append(f"  … and {count - len(problems[:SHOWN]):,} more")
    lines.append("Mend the files, or take them away, and load again; or allow more.")
    return TooManyRejects("\n".join(lines))


def uncounted(error: PipelineError) -> UncountedRecords | None:
    """What a load macro has said of records that would be neither rows nor rejects, if that is what stopped it."""
    if not (found := re.search(r"uncounted records: (\{.*\})", str(error))):
        return None
    said = json.loads(found[1])
    return UncountedRecords(
        f"{said['file_key']} has {counted(said['records'], 'record')}, of which {said['rows']:,} would be loaded and "
        f"{said['rejects']:,} rejected. Nothing was loaded. If the file was being written, load again when it is "
        "whole; otherwise this is a fault of the load."
    )
