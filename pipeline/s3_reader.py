"""Read many small objects of an S3 source: in order, many at a time, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

from pipeline.errors import PipelineError
from pipeline.listing import SourceFile
from pipeline.s3 import WORKERS, s3_errors, split_uri

READ_ATTEMPTS = 3
# Enough for the workers to go on while whoever takes the files writes what it made of them.
READ_AHEAD_BYTES = 64 * 1024 * 1024
READ_AHEAD_FILES = 4096


def read_ahead(source: str, files: Iterable[SourceFile], *, s3: Any, workers: int = WORKERS) -> Iterator[bytes]:
    """Each file's bytes, while the workers read the next ones, up to READ_AHEAD_BYTES or a single file.

    Raises:
        PipelineError: a file is not what it was when it was listed, or S3 refused.
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


def read_file(source: str, file: SourceFile, *, s3: Any) -> bytes:
    """A file's bytes as they were when it was listed."""
    from botocore.exceptions import ClientError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError

    uri = f"{source}/{file.key}"
    bucket, key = split_uri(uri)
    attempts = READ_ATTEMPTS
    with s3_errors(uri):
        while True:
            try:
                with closing(s3.get_object(Bucket=bucket, Key=key, IfMatch=f'"{file.etag}"')["Body"]) as body:
                    return bytes(body.read())
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("PreconditionFailed", "NoSuchKey"):
                    raise
                raise PipelineError(
                    f"{uri} changed or went away after it was listed. Nothing was loaded; try again."
                ) from error
            except (
                IncompleteReadError,
                ReadTimeoutError,
                ResponseStreamingError,
            ):  # botocore retries requests only
                attempts -= 1
                if not attempts:
                    raise
