"""What lies in a source: a folder or an s3:// address with song_data/ and log_data/ below it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError, UsageError
from pipeline.s3 import WORKERS, s3_client, s3_errors
from pipeline.settings import LoadOptions

TABLES = {"songs": ("staging_songs", "song_data"), "events": ("staging_events", "log_data")}


@dataclass(frozen=True)
class SourceFile:
    """One file of a source. key is its path below the source; modified_at is UTC, etag is S3's or None."""

    table_name: str
    key: str
    size_bytes: int
    modified_at: datetime
    etag: str | None = None

    @property
    def is_gzip(self) -> bool:
        return is_gzip(self.key)


def is_gzip(name: str) -> bool:
    return name.lower().endswith(".gz")


def list_source(source: str, options: LoadOptions) -> list[SourceFile]:
    """Every .json and .json.gz file below the source's prefixes, ordered by table and key.

    Raises:
        PipelineError: the source cannot be listed, or has no such file.
    """
    listing = _list_s3 if source.startswith("s3://") else _list_folder
    files: list[SourceFile] = []
    empty = []
    for name in sorted(options.only):
        table_name, folder = TABLES[name]
        prefix = f"{folder}/{options.song_prefix}" if name == "songs" and options.song_prefix else folder
        found = sorted(
            (file for file in listing(source, prefix, table_name) if file.key.lower().endswith((".json", ".json.gz"))),
            key=lambda file: file.key,
        )
        files += _one_of_each(found) if options.sample else found
        if not found:
            empty.append(prefix)
    if empty:
        raise PipelineError(
            f"{source} has no .json or .json.gz files below {' and '.join(f'{prefix}/' for prefix in empty)}. "
            "Name the folder or address that holds song_data/ and log_data/ (--source), or leave one out (--only)."
        )
    return files


def _one_of_each(files: list[SourceFile]) -> list[SourceFile]:
    """The first folder of song files, or the first event file."""
    if not files or files[0].table_name == "staging_events":
        return files[:1]
    folder = files[0].key.rpartition("/")[0]
    return [file for file in files if file.key.rpartition("/")[0] == folder]


def _list_folder(source: str, prefix: str, table_name: str) -> Iterator[SourceFile]:
    root = Path(source)
    if not root.is_dir():
        raise UsageError(f"source {source} is not a folder. Name one that holds song_data/ and log_data/ (--source).")
    folders = [root / prefix]
    seen: set[tuple[int, int]] = set()  # links may lead in a circle
    while folders:
        folder = folders.pop()
        try:
            if not folder.is_dir() or (place := _place(folder)) in seen:
                continue
            seen.add(place)
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        folders.append(Path(entry.path))
                        continue
                    status = entry.stat()
                    if not stat.S_ISREG(status.st_mode):
                        raise PipelineError(f"{entry.path} is not a file that can be loaded; take it away.")
                    _check_name(entry)
                    yield SourceFile(
                        table_name=table_name,
                        key=Path(entry.path).relative_to(root).as_posix(),
                        size_bytes=status.st_size,
                        modified_at=datetime.fromtimestamp(status.st_mtime_ns // 1000 / 1e6, tz=UTC),
                    )
        except OSError as error:
            raise PipelineError(f"{error.filename or folder} cannot be read: {error.strerror}.") from error


def _place(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _check_name(entry: os.DirEntry[str]) -> None:
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        raise PipelineError(f"{entry.path!r}: the file's name is not UTF-8; rename it.") from None


def _list_s3(source: str, prefix: str, table_name: str) -> Iterator[SourceFile]:
    """Pages of 1,000 keys come one after the other, so the folders below the prefix are listed side by side."""
    bucket, _, root = source.removeprefix("s3://").partition("/")
    root = f"{root}/" if root else ""
    with s3_errors(source):
        pages = s3_client().get_paginator("list_objects_v2")
        top = list(pages.paginate(Bucket=bucket, Prefix=f"{root}{prefix}/", Delimiter="/"))
        folders = [folder["Prefix"] for page in top for folder in page.get("CommonPrefixes", [])]

        def items_below(folder: str) -> list[dict[str, Any]]:
            return [item for page in pages.paginate(Bucket=bucket, Prefix=folder) for item in page.get("Contents", [])]

        with ThreadPoolExecutor(WORKERS) as pool:
            below = [item for items in pool.map(items_below, folders) for item in items]
    for item in [item for page in top for item in page.get("Contents", [])] + below:
        key = item["Key"][len(root) :]
        parts = key.split("/")
        if not set(parts).isdisjoint({"", ".", ".."}) and not key.endswith("/"):
            raise PipelineError(f"{source}: the key {item['Key']!r} cannot be a path; rename the object.")
        if any(part.startswith(".") for part in parts):  # hidden, as in a folder
            continue
        yield SourceFile(
            table_name=table_name,
            key=key,
            size_bytes=item["Size"],
            modified_at=item["LastModified"].astimezone(UTC),
            etag=item["ETag"].strip('"'),
        )
