"""The files of a source: a folder or an s3:// address with song_data/ and log_data/ below it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pipeline.console.display import first_of
from pipeline.errors import DataError, MachineError, PipelineError, UsageError
from pipeline.settings import LoadOptions
from pipeline.source.compression import compression_of, without_compression
from pipeline.source.s3 import WORKERS, s3_client, s3_errors, split_uri

DATA_SUFFIXES = (".json", ".jsonl", ".ndjson")
_SUFFIX = re.compile(r"(?<![0-9])\.|\.(?![0-9])")
ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")  # storage classes
TABLES = {"songs": ("staging_songs", "song_data"), "events": ("staging_events", "log_data")}


@dataclass(frozen=True)
class SourceFile:
    """One file of a source.

    key is its path below the source; modified_at is UTC, etag is S3's or None. is_archived means that it is in an S3
    storage class from which it must be restored before it can be read.
    """

    table_name: str
    key: str
    size_bytes: int
    modified_at: datetime
    etag: str | None = None

    is_archived: bool = False

    @property
    def compression(self) -> str:
        return compression_of(self.key)


@dataclass(frozen=True)
class Listing:
    """The files of a source to load, and the keys of those that are not named like JSON files."""

    files: list[SourceFile]
    left_out: list[str]


def list_source(source: str, options: LoadOptions, file_names: Sequence[str] = ()) -> Listing:
    """Every file below the source's prefixes that is named like a JSON file, ordered by table and key.

    file_names are patterns of other file names to include (setting file_names).

    Raises:
        PipelineError: the source cannot be listed, or has no such file.
    """
    listing = _list_s3 if source.startswith("s3://") else _list_folder
    files: list[SourceFile] = []
    left_out: list[str] = []
    empty = []
    for name in sorted(options.only):
        table_name, folder = TABLES[name]
        prefix = f"{folder}/{options.song_prefix}" if name == "songs" and options.song_prefix else folder
        found = []
        for file in sorted(listing(source, prefix, table_name), key=lambda file: file.key):
            if is_data_name(file.key.rpartition("/")[2], file_names):
                found.append(file)
            else:
                left_out.append(file.key)
        files += _one_of_each(found) if options.sample else found
        if not found:
            empty.append(f"{prefix}/")
    if empty:
        others = f" Skipped by name: {first_of(left_out)} (see file_names in invoke.yaml)."
        raise PipelineError(
            f"{source} has no JSON files below {' and '.join(empty)}.{others if left_out else ''} "
            "Pass the folder or address that holds song_data/ and log_data/ with --source, or load one with --only."
        )
    return Listing(files, left_out)


def is_data_name(name: str, file_names: Sequence[str] = ()) -> bool:
    """Whether a file counts as JSON by its name: its suffix is one of JSON's, it has none, or a pattern matches.

    A suffix begins at any dot that is not between two digits, as in 2018.11.01. A compression suffix may follow.
    An S3 key that ends in a slash has no name.
    """
    name = name.lower()
    stem = without_compression(name)
    return name != "" and (
        stem.endswith(DATA_SUFFIXES)
        or not _SUFFIX.search(stem)
        or any(fnmatchcase(text, pattern.lower()) for text in (stem, name) for pattern in file_names)
    )


def is_hidden(name: str) -> bool:
    """Whether a file or folder is skipped, as Hadoop and Spark do: _SUCCESS, _temporary, .part-0.crc."""
    return name.startswith((".", "_")) and name not in (".", "..")


def refuse_archived(source: str, files: Iterable[SourceFile]) -> None:
    """Stop before anything is read if objects lie in an archive and have not been restored.

    Raises:
        PipelineError: some do.
    """
    if not (archived := [file for file in files if file.is_archived]):
        return
    s3 = s3_client()

    def is_restored(file: SourceFile) -> bool:
        bucket, key = split_uri(f"{source}/{file.key}")
        with s3_errors(f"{source}/{file.key}"):
            return 'ongoing-request="false"' in s3.head_object(Bucket=bucket, Key=key).get("Restore", "")

    with ThreadPoolExecutor(WORKERS) as pool:
        unreadable = [
            file.key for file, ready in zip(archived, pool.map(is_restored, archived), strict=True) if not ready
        ]
    if unreadable:
        raise PipelineError(
            f"{source}: archived (Glacier), not readable: {first_of(unreadable)}. Nothing was loaded. "
            "Restore the objects and load again, or move them out of the source."
        )


def _one_of_each(files: list[SourceFile]) -> list[SourceFile]:
    """The first folder of song files, or the first event file."""
    if not files or files[0].table_name == "staging_events":
        return files[:1]
    folder = files[0].key.rpartition("/")[0]
    return [file for file in files if file.key.rpartition("/")[0] == folder]


def _list_folder(source: str, prefix: str, table_name: str) -> Iterator[SourceFile]:
    root = Path(source)
    if not root.is_dir():
        raise UsageError(
            f"Source {source} is not a folder. Pass one that holds song_data/ and log_data/ with --source."
        )
    folders = [root / prefix]
    seen: set[tuple[int, int]] = set()  # links may form a loop
    while folders:
        folder = folders.pop()
        try:
            if not folder.is_dir() or (place := _place(folder)) in seen:
                continue
            seen.add(place)
            with os.scandir(folder) as entries:
                for entry in entries:
                    if is_hidden(entry.name):
                        continue
                    if entry.is_dir():
                        folders.append(Path(entry.path))
                        continue
                    status = entry.stat()
                    if not stat.S_ISREG(status.st_mode):
                        raise DataError(f"{entry.path} is not a regular file. Remove it from the source.")
                    _check_name(entry)
                    yield SourceFile(
                        table_name=table_name,
                        key=Path(entry.path).relative_to(root).as_posix(),
                        size_bytes=status.st_size,
                        modified_at=datetime.fromtimestamp(status.st_mtime_ns // 1000 / 1e6, tz=UTC),
                    )
        except OSError as error:
            raise MachineError(f"{error.filename or folder} cannot be read: {error.strerror}.") from error


def _place(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _check_name(entry: os.DirEntry[str]) -> None:
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        raise DataError(f"{entry.path!r}: the file name is not UTF-8. Rename the file.") from None


def _list_s3(source: str, prefix: str, table_name: str) -> Iterator[SourceFile]:
    """S3 returns pages of 1,000 keys one after the other, so list the folders below the prefix in parallel."""
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
        if any(is_hidden(part) for part in key.removeprefix(prefix).split("/")):
            continue
        if not item["Size"] and key.endswith(
            ("/", "_$folder$")
        ):  # placeholders that consoles and Hadoop create for folders
            continue
        yield SourceFile(
            table_name=table_name,
            key=key,
            size_bytes=item["Size"],
            modified_at=item["LastModified"].astimezone(UTC),
            etag=item["ETag"].strip('"'),
            is_archived=item.get("StorageClass") in ARCHIVED,
        )
