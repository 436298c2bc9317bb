"""COPY carried out: records from S3 go into a table, what is wrong with them into SYS_LOAD_ERROR_DETAIL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from redshift_stand_in.copy_command import CopyCommand
from redshift_stand_in.copy_records import (
    Pick,
    Record,
    pick_by_name,
    pick_by_path,
    pick_by_position,
    records,
    text_records,
)
from redshift_stand_in.copy_source import Source
from redshift_stand_in.copy_values import Column, FieldError, convert
from redshift_stand_in.errors import NotInStandIn, RedshiftError

if TYPE_CHECKING:
    from redshift_stand_in.connection import Connection

BATCH_BYTES = 65536
_COLUMNS = """
    select attribute.attname, kind.typname, attribute.atttypmod, attribute.attnotnull, attribute.attidentity <> ''
    from pg_attribute as attribute
    inner join pg_type as kind on attribute.atttypid = kind.oid
    where attribute.attrelid = to_regclass({table}) and attribute.attnum > 0 and not attribute.attisdropped
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

    def batches(self, uris: list[str], source: Source, pick: Pick) -> Iterator[bytes]:
        """The rows as PostgreSQL's COPY reads them, many at a time."""
        batch = bytearray()
        for row in self._rows(uris, source, pick):
            batch += row
            if len(batch) >= BATCH_BYTES:
                yield bytes(batch)
                batch.clear()
        yield bytes(batch)

    def _rows(self, uris: list[str], source: Source, pick: Pick) -> Iterator[bytes]:
        for uri in uris:
            data = source.data(uri)
            last_line = 0
            for record in self._records(data.chunks):
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
            self.files.append((uri, data.size, last_line, data.etag))

    def _records(self, chunks: Iterator[bytes]) -> Iterator[Record]:
        if self.command.is_json:
            return records(chunks)
        return text_records(chunks, self.command.delimiter, skips_blank=self.command.ignoreblanklines)

    def _row(self, record: Record, uri: str, pick: Pick) -> bytes | None:
        column: Column | None = None
        try:
            if record.error:
                raise record.error
            values = []
            for column, value in zip(self.columns, pick(record.value), strict=True):
                values.append(_encoded(convert(value, column, self.command)))
        except FieldError as error:
            self.refused.append(Refused(uri, record.line, record.raw, column, error))
            return None
        return b"\t".join(values) + b"\n"


def run_copy(command: CopyCommand, session: Connection) -> str:
    """Carry out a COPY in the client's session and transaction; return the command's tag.

    Raises:
        RedshiftError: nothing was loaded; SYS_LOAD_ERROR_DETAIL has why, where it is the data's fault.
    """
    load = Load(command, session, _columns(command, session))
    source = Source(command, session)
    uris = source.uris()
    names = [column.name for column in load.columns]
    if not command.is_json:
        pick = pick_by_position(len(names))
    elif command.json.startswith("s3://"):
        pick = pick_by_path(source.read(command.json), len(names))
    else:
        pick = pick_by_name(names, ignore_case=command.json == "auto ignorecase")
    batches = load.batches(uris, source, pick)
    system_tables = session.stand_in.system_tables
    try:
        if command.noload:
            for _ in batches:
                pass
        else:
            listed = ", ".join(f'"{name}"' for name in names)
            session.backend.copy_in(f"copy {command.table} ({listed}) from stdin", batches)
    except BaseException:
        system_tables.record_load(load, session, "aborted")
        raise
    query_id = system_tables.record_load(load, session, "completed")
    session.backend.query(
        f"select set_config('stand_in.last_copy_count', '{load.rows}', false), "
        f"set_config('stand_in.last_copy_id', '{query_id}', false)"
    )
    return "COPY"


def _columns(command: CopyCommand, session: Connection) -> list[Column]:
    """The columns that the statement loads, in its order; identities make up their values themselves."""
    escaped = command.table.replace("'", "''")
    rows = session.backend.query(_COLUMNS.format(table=f"'{escaped}'"))
    if not rows:
        raise RedshiftError(f"Cannot COPY into nonexistent table {_bare(command.table)}")
    identities = {row[0] for row in rows if row[4] == "t"}
    columns = {row[0]: _column(*row[:4]) for row in rows}
    if unknown := [name for name in command.columns if name not in columns]:
        raise RedshiftError(
            f'column "{unknown[0]}" of relation "{_bare(command.table)}" does not exist', sqlstate="42703"
        )
    if identities & set(command.columns):
        raise NotInStandIn("COPY into an IDENTITY column, which takes EXPLICIT_IDS")
    if len(set(command.columns)) < len(command.columns):
        raise RedshiftError("a column is listed twice", sqlstate="42701")
    return [columns[name] for name in command.columns or columns if name not in identities]


def _column(name: str, kind: str, modifier: str, is_not_null: str) -> Column:
    number = int(modifier) - 4
    if kind == "numeric":
        precision, scale = (number >> 16, number & 0xFFFF) if number >= 0 else (None, None)
        return Column(name, kind, None, precision, scale, is_not_null == "t")
    return Column(name, kind, number if kind in ("varchar", "bpchar") and number >= 0 else None, None, None,
                  is_not_null == "t")  # fmt: skip


def _encoded(value: str | None) -> bytes:
    if value is None:
        return b"\\N"
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return escaped.encode()


def _bare(table: str) -> str:
    return table.rpartition(".")[2].strip('"')
