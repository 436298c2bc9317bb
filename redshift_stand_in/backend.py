"""A session of the PostgreSQL behind the stand-in, on behalf of one client."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable

from redshift_stand_in.errors import READ_ONLY, READ_ONLY_STATE, ConnectionLost, RedshiftError
from redshift_stand_in.wire import Message, Stream, described_columns, error_fields, has_hung_up, text

PROTOCOL = 196608


class Backend:
    """Forwards a client's messages, and asks questions of its own in between."""

    def __init__(self, path: str, client: socket.socket, startup: dict[str, str]) -> None:
        channel = socket.socket(socket.AF_UNIX)
        try:
            channel.connect(path)
        except OSError as error:
            raise ConnectionLost from error
        self._stream = Stream(channel)
        self._client = client
        self.status = b"I"
        body = struct.pack("!i", PROTOCOL) + b"".join(text(part) for pair in startup.items() for part in pair) + b"\0"
        self._stream.send(Message(b"", body))

    def send(self, *messages: Message) -> None:
        self._stream.send(*messages)

    def receive(self) -> Message:
        message = self._stream.receive_while(self._client)
        if message.kind == b"Z":
            self.status = message.body
        return message

    @property
    def in_transaction(self) -> bool:
        return self.status != b"I"

    def query(self, sql: str) -> list[list[str | None]]:
        """Run a statement of the stand-in's own in the client's session and transaction; return its rows as text."""
        self.send(Message(b"Q", text(sql)))
        rows, error = [], None
        while (message := self.receive()).kind != b"Z":
            if message.kind == b"D":
                rows.append(_values(message.body))
            elif message.kind == b"E":
                error = message
        if error:
            raise _as_error(error)
        return rows

    def columns(self, query: str) -> list[str]:
        """The names of the columns that a query would give."""
        self.send(Message(b"P", b"\0" + text(query) + b"\0\0"), Message(b"D", b"S\0"), Message(b"S"))
        names: list[str] = []
        error = None
        while (message := self.receive()).kind != b"Z":
            if message.kind == b"T":
                names = described_columns(message)
            elif message.kind == b"E":
                error = message
        if error:
            raise _as_error(error)
        return names

    def copy_in(self, sql: str, chunks: Iterable[bytes]) -> None:
        """Run a COPY … FROM STDIN with the rows that are given, in its text format.

        Whatever the rows raise leaves nothing of it, and so does a client that has gone before the last of them.
        """
        self.send(Message(b"Q", text(sql)))
        error = None
        while (message := self.receive()).kind != b"Z":
            if message.kind == b"G":
                try:
                    for chunk in chunks:
                        self.send(Message(b"d", chunk))
                    if has_hung_up(self._client):
                        raise ConnectionLost
                except BaseException as failure:
                    self.send(Message(b"f", text(str(failure))))
                    self._drain()
                    raise
                self.send(Message(b"c"))
            elif message.kind == b"E":
                error = message
        if error:
            raise _as_error(error)

    def begin(self) -> None:
        self.query("begin isolation level repeatable read")  # what Redshift calls SNAPSHOT

    def abort(self) -> None:
        """Leave an open transaction as a failed statement leaves it."""
        if self.status == b"T":
            self.send(Message(b"Q", text("do $$ begin raise exception 'refused'; end $$")))
            self._drain()

    def cut(self) -> None:
        self._stream.cut()

    def close(self) -> None:
        self._stream.close()

    def _drain(self) -> None:
        while self.receive().kind != b"Z":
            pass


def _values(body: bytes) -> list[str | None]:
    values: list[str | None] = []
    position = 2
    for _ in range(struct.unpack("!h", body[:2])[0]):
        size = struct.unpack("!i", body[position : position + 4])[0]
        position += 4
        values.append(None if size < 0 else body[position : position + size].decode())
        position += max(size, 0)
    return values


def _as_error(message: Message) -> RedshiftError:
    fields = error_fields(message)
    text = READ_ONLY if fields["C"] == READ_ONLY_STATE else fields["M"]
    return RedshiftError(text, sqlstate=fields["C"], detail=fields.get("D", ""))
