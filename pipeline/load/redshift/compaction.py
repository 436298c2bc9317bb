"""Merge the small files of an S3 source into a few gzip parts in the project's own bucket, for COPY to read instead.

COPY does not split JSON and reads file after file: thousands of one-object files are its slowest input. Here they are
read many at a time. A part is named by its content, and its index is written after it: after a kill, the next
compaction reuses the parts that have an index and makes the others. DuckDB needs none of this: once files are
fetched, pipeline/load/duckdb/folder.py merges the small ones on disk.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from typing import Any

from pipeline.errors import MachineError, PipelineError
from pipeline.load.redshift.compacted_part import (
    CompactedPart,
    PartWriter,
    file_text,
    index_of,
    read_index,
    write_index,
)
from pipeline.source.listing import SourceFile
from pipeline.source.s3 import WORKERS, s3_errors, split_uri
from pipeline.source.s3_reader import read_ahead

MB = 1024 * 1024
SMALL_FILE_BYTES = 8 * MB
PACKED_RATIO = 8  # assumed when parts are planned
# Of a part's text. Less would gzip to under the 1 MB that COPY wants; with more, a kill would lose too much work.
LEAST_PART_BYTES = 8 * MB
MOST_PART_BYTES = 64 * MB
FORMAT = 1  # of parts and indexes; a new number makes every part again
DELETES_AT_ONCE = 1000  # S3's limit


@dataclass(frozen=True)
class Compaction:
    """What COPY is to read: the parts, and the files in no part, which it reads where they are.

    Files without a line are in neither.
    """

    source: str
    parts: list[CompactedPart]
    passed: list[SourceFile]

    def origin(self, uri: str, line_number: int) -> tuple[str, int] | None:
        """The key of the source's file, and the line in it, for a line of an object that COPY has read.

        None if the object is not of this compaction, or the part has no such line.
        """
        if part := self._parts.get(uri):
            return part.origin(line_number)
        return (self._passed[uri], line_number) if uri in self._passed else None

    @cached_property
    def _parts(self) -> dict[str, CompactedPart]:
        return {part.uri: part for part in self.parts}

    @cached_property
    def _passed(self) -> dict[str, str]:
        return {f"{self.source}/{file.key}": file.key for file in self.passed}


@dataclass(frozen=True)
class PartPlan:
    """A part to make: its key in the bucket, and its files."""

    key: str
    table_name: str
    files: list[SourceFile]


@dataclass(frozen=True)
class _Made:
    """The result of a plan: a part, unless its files have no line, and the keys that could not be merged."""

    part: CompactedPart | None
    left_out: frozenset[str]


def compact(
    source: str,
    files: Iterable[SourceFile],
    *,
    bucket: str,
    prefix: str,
    s3: Any,
    slices: int,
    workers: int = WORKERS,
    advance: Callable[[int], None] = lambda _count: None,
) -> Compaction:
    """Make those parts of a source's small files that are not below s3://bucket/prefix/ yet.

    s3 is a client from s3_client. advance is called with the number of files done. A part is made on disk, not in
    memory.

    Raises:
        PipelineError: a file changed since it was listed, or S3 refused.
    """
    ordered = sorted(files, key=lambda file: (file.table_name, file.key))
    plans = plan_parts(source, ordered, prefix=prefix, slices=slices)
    merged = {file.key for plan in plans for file in plan.files}
    advance(len(ordered) - len(merged))
    made = _find_made(plans, bucket=bucket, prefix=prefix, s3=s3)
    advance(sum(len(plan.files) for plan in plans if plan.key in made))
    missing = [plan for plan in plans if plan.key not in made]
    unread = (file for plan in missing for file in plan.files)
    with closing(read_ahead(source, unread, s3=s3, workers=workers)) as contents:
        for plan in missing:
            made[plan.key] = _make_part(plan, islice(contents, len(plan.files)), bucket=bucket, s3=s3, advance=advance)
    merged.difference_update(*(result.left_out for result in made.values()))
    return Compaction(
        source=source,
        parts=[part for plan in plans if (part := made[plan.key].part)],
        passed=[file for file in ordered if file.key not in merged],
    )


def remove(parts: Iterable[CompactedPart], *, s3: Any) -> None:
    """Delete parts and their indexes. Safe to repeat; the bucket's lifecycle rule deletes what is left."""
    uris = sorted(uri for part in parts for uri in (part.uri, part.index_uri))
    for bucket, group in groupby(map(split_uri, uris), key=lambda address: address[0]):
        objects = [{"Key": key} for _, key in group]
        with _bucket_errors(f"s3://{bucket}"):
            for start in range(0, len(objects), DELETES_AT_ONCE):
                batch = {"Objects": objects[start : start + DELETES_AT_ONCE], "Quiet": True}
                if errors := s3.delete_objects(Bucket=bucket, Delete=batch).get("Errors"):
                    raise PipelineError(
                        f"s3://{bucket}/{errors[0]['Key']}: could not be deleted: {errors[0]['Message']}."
                    )


def plan_parts(source: str, files: Iterable[SourceFile], *, prefix: str, slices: int) -> list[PartPlan]:
    """Divide each table's small files, in order, into parts of about equal size. A single file needs no part."""
    plans = []
    small = (file for file in files if _weight(file) < SMALL_FILE_BYTES)
    for table_name, group in groupby(small, key=lambda file: file.table_name):
        members = list(group)
        total = sum(map(_weight, members))
        runs: list[list[SourceFile]] = [[] for _ in range(part_count(total, slices))]
        before = 0
        for file in members:
            runs[before * len(runs) // total].append(file)
            before += _weight(file)
        plans += [
            PartPlan(f"{prefix}/{table_name}/{_digest(source, run)}.json.gz", table_name, run)
            for run in runs
            if len(run) > 1
        ]
    return plans


def part_count(text_bytes: int, slices: int) -> int:
    """The number of parts: a multiple of the slices, so that none is idle; fewer if parts would be tiny."""
    if text_bytes < slices * LEAST_PART_BYTES:
        return max(1, text_bytes // LEAST_PART_BYTES)
    return slices * -(-text_bytes // (slices * MOST_PART_BYTES))


def _weight(file: SourceFile) -> int:
    """About how many bytes of text a file has; at least 1."""
    return max(1, file.size_bytes * (PACKED_RATIO if file.compression else 1))


def _digest(source: str, files: list[SourceFile]) -> str:
    content = [FORMAT, source, [[file.key, file.etag, file.size_bytes] for file in files]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _find_made(plans: list[PartPlan], *, bucket: str, prefix: str, s3: Any) -> dict[str, _Made]:
    """What an earlier compaction has made, by key: parts with an index that describes the same object."""
    made: dict[str, _Made] = {}
    if not plans:
        return made
    with _bucket_errors(f"s3://{bucket}/{prefix}/"):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
        etags = {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", [])}
        for plan in plans:
            if plan.key in etags and index_of(plan.key) in etags:
                index = s3.get_object(Bucket=bucket, Key=index_of(plan.key))["Body"].read()
                uri = f"s3://{bucket}/{plan.key}"
                if found := read_index(index, uri=uri, table_name=plan.table_name, etag=etags[plan.key]):
                    made[plan.key] = _Made(*found)
    return made


def _make_part(
    plan: PartPlan, contents: Iterator[bytes], *, bucket: str, s3: Any, advance: Callable[[int], None]
) -> _Made:
    uri = f"s3://{bucket}/{plan.key}"
    left_out = []
    try:
        with tempfile.TemporaryFile() as spool:
            with closing(PartWriter(spool)) as writer:
                for file, raw in zip(plan.files, contents, strict=True):
                    text = file_text(file.key, raw, limit=SMALL_FILE_BYTES)
                    if text is None:
                        left_out.append(file.key)
                    else:
                        writer.add(file.key, text)
                    advance(1)
            if not writer.line_count:
                return _Made(None, frozenset(left_out))
            part = CompactedPart(uri, plan.table_name, spool.tell(), tuple(writer.files))
            spool.seek(0)
            with _bucket_errors(uri):
                etag = s3.put_object(Bucket=bucket, Key=plan.key, Body=spool)["ETag"]
                index = write_index(etag=etag, size_bytes=part.size_bytes, files=part.files, left_out=left_out)
                s3.put_object(Bucket=bucket, Key=index_of(plan.key), Body=index)
    except OSError as error:
        raise MachineError(
            f"{tempfile.gettempdir()}: {error.strerror}. Free some space there, or set TMPDIR to another folder."
        ) from error
    return _Made(part, frozenset(left_out))


@contextmanager
def _bucket_errors(address: str) -> Iterator[None]:
    """Like s3_errors, for the project's own bucket, which is also written."""
    from botocore.exceptions import ClientError

    with s3_errors(address):
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("AccessDenied", "403"):
                raise
            raise MachineError(
                f"{address}: access denied; your credentials need s3:ListBucket on the bucket, and s3:GetObject, "
                "s3:PutObject and s3:DeleteObject there."
            ) from error
