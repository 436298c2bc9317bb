"""What a COPY reads from S3, with its role's permissions and in its region: objects by a prefix or by a manifest."""

from __future__ import annotations

import bz2
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backports import zstd
from botocore.exceptions import ClientError

from redshift_stand_in.aws import REGION, Role, s3_error
from redshift_stand_in.copy_command import CopyCommand
from redshift_stand_in.errors import RedshiftError

if TYPE_CHECKING:
    from redshift_stand_in.connection import Connection

CHUNK_BYTES = 1024 * 1024
_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    "bzip2": bz2.BZ2Decompressor,
    "zstd": zstd.ZstdDecompressor,
}
_UNREADABLE_MANIFEST = "Problem reading manifest file - "


@dataclass(frozen=True)
class Object:
    """An object that is being read."""

    uri: str
    etag: str
    size: int
    chunks: Iterator[bytes]


class Source:
    """The S3 of one COPY."""

    def __init__(self, command: CopyCommand, session: Connection) -> None:
        self.command = command
        self.session = session
        self._role = Role(command.iam_role, session.user)
        self._s3 = session.stand_in.aws.client("s3")
        self._regions: dict[str, str] = {}

    def uris(self) -> list[str]:
        """The objects to load, as often as they are to be loaded."""
        return self._manifest() if self.command.manifest else self._list()

    def open(self, uri: str, *, before: str = "") -> Object:
        """Begin to read an object. before is what an error's message begins with."""
        if self.session.stand_in.before_object:
            self.session.stand_in.before_object(self.session, uri)
        bucket, key = _split(uri)
        self._role.check("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", before)
        self._check_region(bucket, before)
        try:
            answer = self._s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            raise _refusal(error, before) from error
        chunks = answer["Body"].iter_chunks(CHUNK_BYTES)
        return Object(uri, answer["ETag"].strip('"'), answer["ContentLength"], chunks)

    def read(self, uri: str, *, before: str = "") -> bytes:
        return b"".join(self.open(uri, before=before).chunks)

    def data(self, uri: str) -> Object:
        """Begin to read an object of data, unpacked where the statement says GZIP, BZIP2 or ZSTD."""
        found = self.open(uri)
        kind = self.command.compression
        return Object(uri, found.etag, found.size, _unpacked(found, kind)) if kind else found

    def _list(self) -> list[str]:
        """Every object whose key begins as the location says."""
        bucket, prefix = _split(self.command.location)
        self._role.check("s3:ListBucket", f"arn:aws:s3:::{bucket}")
        self._check_region(bucket)
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            found = [f"s3://{bucket}/{item['Key']}" for page in pages for item in page.get("Contents", ())]
        except ClientError as error:
            raise _refusal(error) from error
        if not found:
            raise RedshiftError(f"The specified S3 prefix '{prefix}' does not exist", detail="code: 8001")
        return found

    def _manifest(self) -> list[str]:
        location = self.command.location
        content = self.read(location, before=_UNREADABLE_MANIFEST)
        try:
            entries = json.loads(content)["entries"]
            named = [(entry["url"], entry.get("mandatory", False) is True) for entry in entries]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RedshiftError(f"{_UNREADABLE_MANIFEST}Invalid manifest", detail="code: 8001") from error
        found = []
        for uri, is_mandatory in named:
            if not isinstance(uri, str) or not uri.startswith("s3://") or uri.endswith("/"):
                raise RedshiftError("COPY with MANIFEST parameter requires full path of an Amazon S3 object")
            if self._exists(uri):
                found.append(uri)
            elif is_mandatory:
                context = f"context: Manifest file location={location} url={uri}"
                raise RedshiftError("Mandatory url is not present in manifest file.", detail=f"code: 8001\n{context}")
        if not found:
            raise RedshiftError("No valid file is present in the manifest", detail="code: 8001")
        return found

    def _exists(self, uri: str) -> bool:
        bucket, key = _split(uri)
        self._role.check("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        self._check_region(bucket)
        try:
            self._s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise _refusal(error) from error
            return False
        return True

    def _check_region(self, bucket: str, before: str = "") -> None:
        if bucket not in self._regions:
            try:
                location = self._s3.get_bucket_location(Bucket=bucket)["LocationConstraint"]
            except ClientError as error:
                raise _refusal(error, before) from error
            self._regions[bucket] = location or "us-east-1"
        if self._regions[bucket] != (self.command.region or REGION):
            raise s3_error(
                "The bucket you are attempting to access must be addressed using the specified endpoint. "
                "Please send all future requests to this endpoint.",
                301,
                "PermanentRedirect",
                before,
            )


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _refusal(error: ClientError, before: str = "") -> RedshiftError:
    answer: dict[str, Any] = error.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return s3_error(answer["Error"]["Message"], status, answer["Error"]["Code"], before)


def _unpacked(packed: Object, kind: str) -> Iterator[bytes]:
    """The content of a compressed file, which may be several one after the other."""
    make = _DECOMPRESSORS[kind]
    unpack = make()
    is_empty = True
    try:
        for chunk in packed.chunks:
            waiting = chunk
            while waiting:
                if unpack.eof:
                    unpack = make()
                is_empty = False
                if text := unpack.decompress(waiting):  # an empty chunk would be taken for the end
                    yield text
                waiting = unpack.unused_data
        if not is_empty and not unpack.eof:
            raise EOFError("it ends too early")
    except (EOFError, OSError, zlib.error, zstd.ZstdError) as error:
        raise RedshiftError(f"{packed.uri} is not well-formed {kind}: {error}", detail="code: 15") from error
