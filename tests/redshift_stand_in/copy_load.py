"""COPY carried out: objects named by a prefix or a manifest, their records into a table, their errors into SYS_LOAD_*."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from redshift_stand_in.aws import REGION, Role, s3_error
from redshift_stand_in.copy_command import CopyCommand
from redshift_stand_in.copy_records import Pick, Record, pick_by_name, pick_by_path, records
from redshift_stand_in.copy_values import Column, FieldError, convert
from redshift_stand_in.errors import RedshiftError

if TYPE_CHECKING:
    from redshift_stand_in.connection import Connection

_COLUMNS = """
    select attribute.attname, kind.typname, attribute.atttypmod, attribute.attnotnull
    from pg_attribute as attribute
    inner join pg_type as kind on attribute.atttypid = kind.oid
    where attribute.attrelid = to_regclass({table}) and attribute.attnum > 0 and not attribute.attisdropped
        and attribute.attidentity = ''
    order by attribute.attnum
"""


@dataclass(frozen=True)
class Refused:
    """A value or record that was not loaded."""

    uri: str
    line: int
    raw: str
    column: Column | None
    error: FieldError


@dataclass
class Load:
    """One COPY at work, and what it tells the system tables."""

    command: CopyCommand
    session: Connection
    columns: list[Column]
    started_at: datetime = field(default_factory=lambda: datetime.now(tz=UTC))
    rows: int = 0
    files: list[tuple[str, int, int, str]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def lines(self, uris: list[str], reader: Reader, pick: Pick) -> Iterator[bytes]:
        """The rows as PostgreSQL's COPY reads them."""
        for uri in uris:
            content, etag = reader.object(uri)
            size = len(content)
            if self.command.gzip:
                content = _unzipped(content, uri)
            last_line = 0
            for record in records(content):
                last_line = record.line
                row = self._row(record, uri, pick)
                if row is not None:
                    self.rows += 1
                    yield row
                elif len(self.refused) >= max(1, self.command.maxerror):
                    raise RedshiftError(
                        f"Load into table '{_bare(self.command.table)}' failed.  "
                        "Check 'sys_load_error_detail' system table for details."
                    )
            self.files.append((uri, size, last_line, etag))

    def _row(self, record: Record, uri: str, pick: Pick) -> bytes | None:
        column: Column | None = None
        try:
            if record.error:
                raise record.error
            values = []
            for column, value in zip(self.columns, pick(record.value), strict=True):  # noqa: B007
                values.append(_encoded(convert(value, column, self.command)))
        except FieldError as error:
            self.refused.append(Refused(uri, record.line, record.raw, column, error))
            return None
        return b"\t".join(values) + b"\n"


class Reader:
    """Reads from S3 what the statement's role may read, in the region that it names."""

    def __init__(self, command: CopyCommand, session: Connection) -> None:
        self.role = Role(command.iam_role, session.user)
        self.region = command.region or REGION
        self.session = session
        self.s3 = session.stand_in.aws.client("s3")

    def object(self, uri: str, *, before: str = "") -> tuple[bytes, str]:
        """An object's content and its ETag."""
        if self.session.stand_in.before_object:
            self.session.stand_in.before_object(self.session, uri)
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.role.check("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        self._check_region(bucket)
        try:
            answer = self.s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            raise _refusal(error, before) from error
        return answer["Body"].read(), answer["ETag"].strip('"')

    def exists(self, uri: str) -> bool:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.role.check("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        try:
            self.s3.head_object(Bucket=bucket, Key=key)
        except ClientError:
            return False
        return True

    def list(self, location: str) -> list[str]:
        """Every object whose key begins as the location says."""
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        self.role.check("s3:ListBucket", f"arn:aws:s3:::{bucket}")
        self._check_region(bucket)
        try:
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            found = [f"s3://{bucket}/{item['Key']}" for page in pages for item in page.get("Contents", ())]
        except ClientError as error:
            raise _refusal(error) from error
        if not found:
            raise RedshiftError(f"The specified S3 prefix '{prefix}' does not exist", detail="code: 8001")
        return found

    def _check_region(self, bucket: str) -> None:
        try:
            region = self.s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] or "us-east-1"
        except ClientError as error:
            raise _refusal(error) from error
        if region != self.region:
            raise s3_error(
                "The bucket you are attempting to access must be addressed using the specified endpoint. "
                "Please send all future requests to this endpoint.",
                301,
                "PermanentRedirect",
            )


def run_copy(command: CopyCommand, session: Connection) -> str:
    """Carry out a COPY in the client's session and transaction; return the command's tag.

    Raises:
        RedshiftError: nothing was loaded; SYS_LOAD_ERROR_DETAIL has why, where it is the data's fault.
    """
    load = Load(command, session, _columns(command, session))
    reader = Reader(command, session)
    uris = _manifest(command, reader) if command.manifest else reader.list(command.location)
    names = [column.name for column in load.columns]
    if command.json.startswith("s3://"):
        pick = pick_by_path(reader.object(command.json)[0], len(names))
    else:
        pick = pick_by_name(names, ignore_case=command.json == "auto ignorecase")
    lines = load.lines(uris, reader, pick)
    try:
        if command.noload:
            for _ in lines:
                pass
        else:
            listed = ", ".join(f'"{name}"' for name in names)
            session.backend.copy_in(f"copy {command.table} ({listed}) from stdin", lines)
        status = "completed"
    except RedshiftError:
        status = "aborted"
        raise
    finally:
        query_id = session.stand_in.system_tables.record_load(load, session, locals().get("status", "aborted"))
    session.backend.query(
        f"select set_config('stand_in.last_copy_count', '{load.rows}', false), "
        f"set_config('stand_in.last_copy_id', '{query_id}', false)"
    )
    return "COPY"


def _columns(command: CopyCommand, session: Connection) -> list[Column]:
    """The columns that the statement loads, in its order."""
    escaped = command.table.replace("'", "''")
    rows = session.backend.query(_COLUMNS.format(table=f"'{escaped}'"))
    if not rows:
        raise RedshiftError(f"Cannot COPY into nonexistent table {_bare(command.table)}")
    columns = {row[0]: _column(*row) for row in rows}
    if unknown := [name for name in command.columns if name not in columns]:
        raise RedshiftError(
            f'column "{unknown[0]}" of relation "{_bare(command.table)}" does not exist', sqlstate="42703"
        )
    return [columns[name] for name in command.columns or columns]


def _column(name: str, kind: str, modifier: str, is_not_null: str) -> Column:
    number = int(modifier) - 4
    if kind == "numeric":
        precision, scale = (number >> 16, number & 0xFFFF) if number >= 0 else (None, None)
        return Column(name, kind, None, precision, scale, is_not_null == "t")
    return Column(name, kind, number if kind in ("varchar", "bpchar") and number >= 0 else None, None, None,
                  is_not_null == "t")  # fmt: skip


def _manifest(command: CopyCommand, reader: Reader) -> list[str]:
    """The objects that a manifest names, as often as it names them."""
    content, _ = reader.object(command.location, before="Problem reading manifest file - ")
    try:
        entries = json.loads(content)["entries"]
        named = [(entry["url"], bool(entry.get("mandatory", False))) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise RedshiftError("Problem reading manifest file - Invalid manifest", detail="code: 8001") from error
    found = []
    for uri, is_mandatory in named:
        if not uri.startswith("s3://") or uri.endswith("/"):
            raise RedshiftError("COPY with MANIFEST parameter requires full path of an Amazon S3 object")
        if reader.exists(uri):
            found.append(uri)
        elif is_mandatory:
            context = f"context: Manifest file location={command.location} url={uri}"
            raise RedshiftError("Mandatory url is not present in manifest file.", detail=f"code: 8001\n{context}")
    if not found:
        raise RedshiftError("No valid file is present in the manifest", detail="code: 8001")
    return found


def _refusal(error: ClientError, before: str = "") -> RedshiftError:
    answer: dict[str, Any] = error.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return s3_error(answer["Error"]["Message"], status, answer["Error"]["Code"], before)


def _unzipped(content: bytes, uri: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise RedshiftError(f"gzip: unexpected end of stream or invalid data in {uri}", detail="code: 15") from error


def _encoded(value: str | None) -> bytes:
    if value is None:
        return b"\\N"
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return escaped.encode()


def _bare(table: str) -> str:
    return table.rpartition(".")[2].strip('"')
