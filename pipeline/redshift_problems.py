"""What COPY or a check did not take, traced back to the file, line and value of the source."""

from __future__ import annotations

import gzip
import json
import re
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pipeline.compaction import Compaction
from pipeline.dbt import Dbt, DbtError
from pipeline.display import Display
from pipeline.errors import PipelineError
from pipeline.listing import SourceFile
from pipeline.s3 import WORKERS, s3_errors, split_uri
from pipeline.s3_reader import read_ahead
from pipeline.settings import Settings
from pipeline.warehouse import Warehouse

HEAD_BYTES = 1024 * 1024
VALUE_LENGTH = 80
# The system views may lag behind the failure that they tell of.
VIEW_ATTEMPTS = 10
VIEW_PAUSE_SECONDS = 1


@dataclass(frozen=True)
class SourceText:
    """The text of a load's files, as it lies in the source."""

    source: str
    files: list[SourceFile]
    compaction: Compaction
    s3: Any

    def origin(self, address: str, line_number: int) -> tuple[str, int]:
        """Key and line of the source's file for a line of an object that COPY has read."""
        return self.compaction.origin(address, line_number) or (address.removeprefix(f"{self.source}/"), line_number)

    def line(self, key: str, number: int) -> str:
        """One line of a file, counted from 1; empty where there is none."""
        file = next(file for file in self.files if file.key == key)
        lines = next(self.contents([file]))[1].split(b"\n")
        return lines[number - 1].decode("utf-8", "replace").strip() if 0 < number <= len(lines) else ""

    def contents(self, files: list[SourceFile]) -> Iterator[tuple[SourceFile, bytes]]:
        """Each file with its whole text."""
        for file, content in zip(files, read_ahead(self.source, files, s3=self.s3), strict=True):
            yield file, gzip.decompress(content) if file.key.lower().endswith(".gz") else content

    def head(self, file: SourceFile) -> bytes:
        """The text of a file's first megabyte; the last line may be cut."""
        if not file.size_bytes:
            return b""
        bucket, key = split_uri(f"{self.source}/{file.key}")
        with s3_errors(f"{self.source}/{file.key}"):
            answer = self.s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{HEAD_BYTES - 1}")
            content = bytes(answer["Body"].read())
        return zlib.decompressobj(31).decompress(content) if file.key.lower().endswith(".gz") else content


def explain(error: DbtError, settings: Settings, load_id: str, text: SourceText) -> PipelineError:
    """The error with the file, line and value that it is about; with the cure where it is the role's; or itself."""
    if "Access Denied" in str(error) or "not authorized to assume IAM Role" in str(error):
        return PipelineError(
            f"COPY was refused as {settings.copy_role_arn}: {_reason(error)}. The role must be attached to the "
            f"warehouse, trust redshift.amazonaws.com, and have s3:ListBucket and s3:GetObject on {text.source} and on "
            f"s3://{settings.redshift_bucket}. Nothing was loaded."
        )
    problem = _refused_value(str(error), text) or _refused_by_copy(Warehouse(settings), load_id, text)
    if not problem:
        return error
    return PipelineError(
        f"A bad value in the source; nothing was loaded.\n  {problem}\nMend the file, or take it away, and load again."
    )


def _reason(error: DbtError) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return next(line for line in lines if "Access Denied" in line or "not authorized" in line)


def unknown_keys(text: SourceText, dbt: Dbt, display: Display) -> list[str]:
    """A warning for each table whose records have keys that no column takes, of each file's first megabyte."""
    found: dict[str, set[str]] = {file.table_name: set() for file in text.files}
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            for done, (file, head) in enumerate(zip(text.files, pool.map(text.head, text.files), strict=True), start=1):
                display.progress(done, len(text.files), "looking for new keys")
                found[file.table_name].update(key for _, record in _records(head) for key in record)
    except (PipelineError, zlib.error) as error:  # the load is committed by now
        return [f"the records were not searched for new keys: {error}"]
    return [
        f"{table_name}: records have keys that no column takes: {', '.join(unknown)}"
        for table_name, keys in sorted(found.items())
        if (unknown := sorted(keys.difference(dbt.json_keys(table_name))))
    ]


def _refused_value(error: str, text: SourceText) -> str:
    """What the macro redshift__refuse_values has found: searched for in the source, for COPY does not say whence."""
    if not (found := re.search(r"bad values: (\{.*\})", error)):
        return ""
    refused = json.loads(found[1])
    files = [file for file in text.files if file.table_name == refused["table_name"]]
    for file, content in text.contents(files):
        for number, record in _records(content):
            value = record.get(refused["json_key"])
            if str(value).strip() == refused["value"] or _is_number(value, refused["value"]):
                return _described(file.key, number, refused["json_key"], f"not {refused['expected']}", value)
    return f"{refused['json_key']}: not {refused['expected']}: {refused['value']!r} ({refused['count']} records)"


def _is_number(value: Any, expected: str) -> bool:
    try:
        return float(value) == float(expected)
    except (TypeError, ValueError):
        return False


def _refused_by_copy(warehouse: Warehouse, load_id: str, text: SourceText) -> str:
    """What SYS_LOAD_ERROR_DETAIL says of the COPY whose manifest is below the load's id."""
    for _ in range(VIEW_ATTEMPTS):
        failed = warehouse.query(
            "select query_id from sys_load_history "
            f"where data_source like '%manifests/{load_id}/%' and status = 'aborted' order by query_id desc limit 1"
        ).rows
        if not failed:
            return ""  # it did not come as far as the data
        errors = warehouse.query(
            "select trim(file_name), line_number, trim(column_name), trim(error_message) from sys_load_error_detail "
            f"where query_id = {int(failed[0][0])} order by file_name, line_number limit 1"
        ).rows
        if errors:
            address, line_number, column_name, reason = errors[0]
            key, number = text.origin(address, line_number)
            json_key, value = _value(text.line(key, number), column_name)
            return _described(key, number, json_key, reason, value)
        time.sleep(VIEW_PAUSE_SECONDS)
    return ""


def _value(line: str, column_name: str) -> tuple[str, Any]:
    """The key and value that a column was to take from a line; the line itself where it is no record."""
    records = list(_records(line.encode()))
    if not records or not column_name:
        return "", line
    folded = {re.sub(r"_", "", key).lower(): key for key in records[0][1]}
    key = folded.get(column_name.replace("_", ""), column_name)
    return key, records[0][1].get(key)


def _records(content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and record of each line that holds one."""
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield number, record


def _described(key: str, number: int, json_key: str, reason: str, value: Any) -> str:
    where = f"{key}, line {number}" + (f", {json_key}" if json_key else "")
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{where}: {reason}: {shown[:VALUE_LENGTH]!r}"
