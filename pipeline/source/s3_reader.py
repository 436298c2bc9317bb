"""Read an S3 source's objects, many at a time, in bounded memory, refusing those changed since they were listed."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline.errors import DataError, MachineError
from pipeline.source.compression import head_of, unpacking
from pipeline.source.listing import SourceFile
from pipeline.source.s3 import WORKERS, s3_errors, split_uri

READ_ATTEMPTS = 3
# Enough to keep the workers busy while the caller processes a file.
READ_AHEAD_BYTES = 64 * 1024 * 1024
READ_AHEAD_FILES = 4096
# Of a big object; each fetch worker holds one part in memory.
PART_BYTES = 8 * 1024 * 1024
FETCH_WORKERS = 8
HEAD_BYTES = 1024 * 1024


def read_ahead(source: str, files: Iterable[SourceFile], *, s3: Any, workers: int = WORKERS) -> Generator[bytes]:
    """Each file's bytes, in order, while the workers read the next files, up to READ_AHEAD_BYTES or a single file.

    Raises:
        PipelineError: a file has changed since it was listed, or S3 refused.
    """
    waiting: deque[tuple[int, Future[bytes]]] = deque()
    ahead = 0
    pool = ThreadPoolExecutor(workers, thread_name_prefix="read-ahead")
    try:
        for file in files:
            while waiting and (len(waiting) == READ_AHEAD_FILES or ahead + file.size_bytes > READ_AHEAD_BYTES):
                size, content = waiting.popleft()
                yield content.result()
                ahead -= size
            waiting.append((file.size_bytes, pool.submit(read_file, source, file, s3=s3)))
            ahead += file.size_bytes
        while waiting:
            yield waiting.popleft()[1].result()
    finally:
        pool.shutdown(cancel_futures=True)


def fetch_file(
    source: str, file: SourceFile, target: Path, *, s3: Any, fetched: Callable[[int, int], None] = lambda *_: None
) -> None:
    """Download a big file, several parts at a time. fetched is called with the bytes done and the total.

    Raises:
        PipelineError: the file has changed since it was listed, or S3 refused.
    """
    done = 0
    pool = ThreadPoolExecutor(FETCH_WORKERS, thread_name_prefix="fetch")
    with target.open("wb") as copy:

        def copy_part(start: int) -> int:
            content = read_file(source, file, s3=s3, start=start, length=min(PART_BYTES, file.size_bytes - start))
            return os.pwrite(copy.fileno(), content, start)

        try:
            for length in pool.map(copy_part, range(0, file.size_bytes, PART_BYTES)):
                done += length
                fetched(done, file.size_bytes)
        finally:
            pool.shutdown(cancel_futures=True)
    if done != file.size_bytes:
        raise MachineError(f"{target}: only {done:,} of {file.size_bytes:,} bytes could be written.")


def read_head(source: str, file: SourceFile, *, s3: Any, most: int = HEAD_BYTES) -> bytes:
    """The beginning of a file's text; of a compressed file, what the first HEAD_BYTES of the object contain."""
    length = min(file.size_bytes, HEAD_BYTES if file.compression else most)
    content = read_file(source, file, s3=s3, start=0, length=length) if length else b""
    with unpacking(f"{source}/{file.key}", file.compression):
        return head_of(content, file.compression, most=most)


def read_file(source: str, file: SourceFile, *, s3: Any, start: int = 0, length: int | None = None) -> bytes:
    """A file's bytes, or some of them; an error if it has changed since it was listed."""
    from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError

    uri = f"{source}/{file.key}"
    bucket, key = split_uri(uri)
    part = {} if length is None else {"Range": f"bytes={start}-{start + length - 1}"}
    attempts = READ_ATTEMPTS
    with s3_errors(uri):
        while True:
            try:
                with closing(s3.get_object(Bucket=bucket, Key=key, IfMatch=f'"{file.etag}"', **part)["Body"]) as body:
                    content = bytes(body.read())
                break
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("PreconditionFailed", "NoSuchKey", "InvalidRange"):
                    raise
                raise _changed(uri) from error
            except (
                IncompleteReadError,
                ReadTimeoutError,
                ResponseStreamingError,
            ):  # botocore retries requests only
                attempts -= 1
                if not attempts:
                    raise
    if len(content) != (file.size_bytes if length is None else length):
        raise _changed(uri)
    return content


def _changed(uri: str) -> DataError:
    return DataError(f"{uri} changed or was deleted after it was listed. Nothing was loaded; try again.")
