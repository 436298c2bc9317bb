"""Count the records in the text of a load's files, if COPY's count of lines does not match."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.console.display import counted
from pipeline.errors import PipelineError
from pipeline.load.redshift.problems import SourceText
from pipeline.load.rejects import BLANKS, BOM, Problem, Reject, UncountedRecordsError, line_text
from pipeline.settings import Settings
from pipeline.source.listing import SourceFile
from pipeline.warehouse.warehouse import Warehouse

_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class FileCount:
    """A file with its number of non-blank lines, and the first that COPY would not read as one record."""

    file: SourceFile
    record_count: int
    problem: Problem | None


def count_records(text: SourceText, rejects: Sequence[Reject]) -> list[FileCount]:
    """Read and count every file of the load."""
    rejected = {(reject.problem.file_key, reject.problem.line_number) for reject in rejects}
    counts = []
    for file, content in text.contents(text.files):
        problem = None
        record_count = 0
        for number, raw in enumerate(content.removeprefix(BOM).split(b"\n"), start=1):
            line = raw.strip(BLANKS)
            record_count += bool(line)
            if line and not problem and not _is_one_value(line, may_be_bad=(file.key, number) in rejected):
                problem = Problem(file.key, number, None, line_text(line)[0], "malformed JSON")
        counts.append(FileCount(file, record_count, problem))
    return counts


def of_tables(counts: list[FileCount]) -> dict[str, int]:
    """The number of records of each table."""
    totals: Counter[str] = Counter()
    for count in counts:
        totals[count.file.table_name] += count.record_count
    return dict(totals)


def differing(
    error: UncountedRecordsError, counts: list[FileCount], settings: Settings, load_id: str, text: SourceText
) -> PipelineError:
    """The error with the name of the file, if SYS_LOAD_DETAIL has fewer lines for one than it has records."""
    parts = {part.uri for part in text.compaction.parts}
    scanned = dict(
        Warehouse(settings)
        .query(
            "select trim(detail.file_name), max(detail.lines_scanned) from sys_load_detail as detail "
            "inner join sys_load_history as history on detail.query_id = history.query_id "
            f"where history.data_source like '%manifests/{load_id}/%' group by detail.file_name"
        )
        .rows
    )
    lines = {text.origin(address, 1)[0]: count for address, count in scanned.items() if address not in parts}
    for count in counts:
        key = count.file.key
        if key in lines and lines[key] < count.record_count:
            return UncountedRecordsError(
                f"{key} has {counted(count.record_count, 'record')}, but COPY read {counted(lines[key], 'line')}. "
                "Nothing was loaded. If the file was still being written, load again when it is complete."
            )
    keys = [count.file.key for count in counts if count.file.table_name == error.name]
    return UncountedRecordsError(str(error).replace(error.name, keys[0], 1)) if len(keys) == 1 else error


def _is_one_value(line: bytes, *, may_be_bad: bool) -> bool:
    """Whether COPY reads the line as one record, good or bad, and not as several or part of one."""
    text = line.decode("latin-1")
    try:
        return _DECODER.raw_decode(text)[1] == len(text)
    except (ValueError, RecursionError):
        return may_be_bad
