"""Files that begin with a byte order mark. Whether COPY skips it is not documented, so they are tried without it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

from pipeline.load.redshift.compacted_part import CompactedPart, PartWriter
from pipeline.load.redshift.compaction import Compaction
from pipeline.load.rejects import BOM
from pipeline.source.compression import DamagedFileError, text_of, unpacking
from pipeline.source.listing import SourceFile
from pipeline.source.s3 import WORKERS, s3_errors, split_uri
from pipeline.source.s3_reader import read_ahead, read_head


def without_marks(compaction: Compaction, *, root: str, s3: Any) -> Compaction | None:
    """The same input with a copy below root, an s3 address, for each file that has a mark; None if none has one.

    Merged files have no marks any more.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        marks = list(pool.map(lambda file: _has_mark(compaction.source, file, s3), compaction.passed))
    marked = [file for file, has_mark in zip(compaction.passed, marks, strict=True) if has_mark]
    if not marked:
        return None
    parts = [
        _copy(compaction.source, file, content, f"{root}/{number}.json.gz", s3)
        for number, (file, content) in enumerate(
            zip(marked, read_ahead(compaction.source, marked, s3=s3), strict=True), start=1
        )
    ]
    keys = {file.key for file in marked}
    passed = [file for file in compaction.passed if file.key not in keys]
    return replace(compaction, parts=[*compaction.parts, *parts], passed=passed)


def _has_mark(source: str, file: SourceFile, s3: Any) -> bool:
    with suppress(DamagedFileError):
        return read_head(source, file, s3=s3, most=len(BOM)) == BOM
    return False


def _copy(source: str, file: SourceFile, content: bytes, address: str, s3: Any) -> CompactedPart:
    with unpacking(f"{source}/{file.key}", file.compression):
        text = text_of(content, file.compression)
    return write_part(address, file.table_name, [(file.key, text.removeprefix(BOM))], s3=s3)


def write_part(address: str, table_name: str, texts: Iterable[tuple[str, bytes]], *, s3: Any) -> CompactedPart:
    """Write the texts of files, each with its key, as one gzip object."""
    bucket, key = split_uri(address)
    with tempfile.TemporaryFile() as spool:
        with closing(PartWriter(spool)) as writer:
            for file_key, text in texts:
                writer.add(file_key, text)
        part = CompactedPart(address, table_name, spool.tell(), tuple(writer.files))
        spool.seek(0)
        with s3_errors(address):
            s3.put_object(Bucket=bucket, Key=key, Body=spool)
    return part
