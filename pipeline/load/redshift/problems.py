"""What COPY or a check refused, traced back to the file, line and value of the source."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pipeline.console.display import Display, counted
from pipeline.dbt.columns import JsonColumn
from pipeline.dbt.runner import Dbt, DbtError
from pipeline.errors import MachineError, PipelineError
from pipeline.load.redshift.compaction import Compaction
from pipeline.load.redshift.rules import broken_rule
from pipeline.load.rejects import BLANKS, BOM, CURE, BadRecordError, Problem, line_text, parse_record
from pipeline.settings import Settings
from pipeline.source.compression import DamagedFileError, text_of, unpacking
from pipeline.source.listing import SourceFile
from pipeline.source.s3 import WORKERS
from pipeline.source.s3_reader import HEAD_BYTES, read_ahead, read_head
from pipeline.warehouse.warehouse import Warehouse

FILE_NAME_BYTES = 256  # of sys_load_error_detail.file_name, which cuts longer addresses
# The system views may lag behind the failure that they describe.
VIEW_ATTEMPTS = 10
VIEW_PAUSE_SECONDS = 1


@dataclass(frozen=True)
class SourceText:
    """The text of a load's files in the source."""

    source: str
    files: list[SourceFile]
    compaction: Compaction
    s3: Any

    def origin(self, address: str, line_number: int) -> tuple[str, int]:
        """Key and line of the source's file for a line of an object that COPY has read."""
        if found := self.compaction.origin(address, line_number):
            return found
        if len(address.encode()) < FILE_NAME_BYTES - 3:
            return address.removeprefix(f"{self.source}/"), line_number
        keys = [file.key for file in self.files if f"{self.source}/{file.key}".startswith(address)]
        if len(keys) != 1:
            raise PipelineError(
                f"Bad record in line {line_number} of {address}. Redshift cuts file names at {FILE_NAME_BYTES} bytes, "
                f"and {counted(len(keys), 'file')} of the source may be meant. Nothing was loaded; use shorter names."
            )
        return keys[0], line_number

    def line(self, key: str, number: int) -> bytes:
        """One line of a file, counted from 1; empty if there is none."""
        file = next(file for file in self.files if file.key == key)
        lines = next(self.contents([file]))[1].removeprefix(BOM).split(b"\n")
        return lines[number - 1].strip(BLANKS) if 0 < number <= len(lines) else b""

    def contents(self, files: list[SourceFile]) -> Iterator[tuple[SourceFile, bytes]]:
        """Each file with its full text."""
        for file, content in zip(files, read_ahead(self.source, files, s3=self.s3), strict=True):
            with unpacking(f"{self.source}/{file.key}", file.compression):
                text = text_of(content, file.compression)
            yield file, text

    def head(self, file: SourceFile) -> bytes:
        """The text of a file's first megabyte; the last line may be cut."""
        return read_head(self.source, file, s3=self.s3)


def explain(error: DbtError, settings: Settings, load_id: str, text: SourceText, dbt: Dbt) -> PipelineError:
    """The error with the file, line and value that it is about, or with the fix for the role; else the error itself."""
    if "Access Denied" in str(error) or "not authorized to assume IAM Role" in str(error):
        return MachineError(
            f"COPY was refused with the role {settings.copy_role_arn}: {_reason(error)}. Attach the role to "
            f"the warehouse, let it trust redshift.amazonaws.com, and grant it s3:ListBucket and s3:GetObject on "
            f"{text.source} and s3://{settings.redshift_bucket}. Nothing was loaded."
        )
    problem = _refused_value(str(error), text, dbt) or _refused_by_copy(Warehouse(settings), load_id, text, dbt)
    if not problem:
        return _damaged(error, text) or error
    return BadRecordError("A bad value in the source; nothing was loaded.", f"  {problem}", CURE)


def copy_problem(
    key: str, number: int, line: bytes, column_name: str, reason: str, columns: Sequence[JsonColumn]
) -> Problem:
    """COPY's error for a line. If the line is not a UTF-8 JSON object, the problem is the whole line, not a column."""
    record = parse_record(line)
    json_key = next((column.json_key for column in columns if column.name == column_name), None)
    if record is None or json_key is None:
        return Problem(key, number, None, line_text(line)[0], reason)
    return Problem(key, number, json_key, record.get(json_key), reason)


def _reason(error: DbtError) -> str:
    lines = [str(line).strip() for line in error.args]
    return next(line for line in lines if "Access Denied" in line or "not authorized" in line)


def look_at_heads(text: SourceText, dbt: Dbt, display: Display) -> tuple[list[str], list[str]]:
    """A warning for each table whose records have keys without a column, and the keys of files without a record.

    Reads the first megabyte of each file.
    """
    found: dict[str, set[str]] = {file.table_name: set() for file in text.files}
    empty = []
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            for done, (file, head) in enumerate(zip(text.files, pool.map(text.head, text.files), strict=True), start=1):
                display.progress(done, len(text.files), "looking for new keys")
                found[file.table_name].update(key for _, record in _records(head) for key in record)
                if len(head) < HEAD_BYTES > file.size_bytes and not head.removeprefix(BOM).strip(BLANKS):
                    empty.append(file.key)
    except PipelineError as error:  # the load is committed by now
        return [
            f"Records were not checked for keys without a column: {str(error).partition('. Nothing was loaded')[0]}"
        ], []
    warnings = [
        f"{table_name}: ignored keys without a column: {', '.join(unknown)}"
        for table_name, keys in sorted(found.items())
        if (unknown := sorted(keys.difference(dbt.json_keys(table_name))))
    ]
    return warnings, empty


def _refused_value(error: str, text: SourceText, dbt: Dbt) -> Problem | str:
    """The first record that breaks one of the load's rules, if that stopped the load."""
    if not (found := re.search(r"bad values: (\{.*\})", error)):
        return ""
    refused = json.loads(found[1])
    columns = dbt.json_columns(refused["table_name"])
    for file, content in text.contents([file for file in text.files if file.table_name == refused["table_name"]]):
        for number, record in _records(content):
            if broken := broken_rule(record, columns):
                json_key = columns[broken[0]].json_key
                return Problem(file.key, number, json_key, record.get(json_key), broken[1])
    return f"{refused['json_key']}: {refused['value']!r} ({counted(refused['count'], 'record')})"


def _damaged(error: DbtError, text: SourceText) -> DamagedFileError | None:
    """The first file that cannot be unpacked, if the error is about that; it need not name the file."""
    if re.search(r"gzip|bzip2|zstd|zlib|compress", str(error), re.IGNORECASE):
        try:
            for _ in text.contents([file for file in text.files if file.compression]):
                pass
        except DamagedFileError as damaged:
            return damaged
    return None


def _refused_by_copy(warehouse: Warehouse, load_id: str, text: SourceText, dbt: Dbt) -> Problem | None:
    """The error in SYS_LOAD_ERROR_DETAIL for the COPY whose manifest is below the load's ID."""
    for _ in range(VIEW_ATTEMPTS):
        failed = warehouse.query(
            "select query_id from sys_load_history "
            f"where data_source like '%manifests/{load_id}/%' and status = 'aborted' order by query_id desc limit 1"
        ).rows
        if not failed:
            return None  # it did not get as far as the data
        errors = warehouse.query(
            "select trim(file_name), line_number, trim(column_name), trim(error_message) from sys_load_error_detail "
            f"where query_id = {int(failed[0][0])} order by file_name, line_number limit 1"
        ).rows
        if errors:
            address, line_number, column_name, reason = errors[0]
            key, number = text.origin(address, line_number)
            table_name = next(file.table_name for file in text.files if file.key == key)
            columns = dbt.json_columns(table_name)
            return copy_problem(key, number, text.line(key, number), column_name, reason, columns)
        time.sleep(VIEW_PAUSE_SECONDS)
    return None


def _records(content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """The line number and record of each line that has one."""
    for number, line in enumerate(content.removeprefix(BOM).split(b"\n"), start=1):
        if (record := parse_record(line)) is not None:
            yield number, record
