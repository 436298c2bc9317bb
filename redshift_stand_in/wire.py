"""Messages of PostgreSQL's protocol, version 3: one byte for the kind, four for the length, the body."""

from __future__ import annotations

import select
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

from redshift_stand_in.errors import ConnectionLost, RedshiftError

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102

TEXT, VARCHAR = 25, 1043  # the types' numbers


@dataclass(frozen=True)
class Message:
    """One message. kind is its letter, or empty for those at the start of a connection, which have none."""

    kind: bytes
    body: bytes = b""

    def packed(self) -> bytes:
        return self.kind + struct.pack("!i", len(self.body) + 4) + self.body

    def texts(self) -> list[bytes]:
        """The zero-terminated texts that the body begins with."""
        return self.body.split(b"\0")


class Stream:
    """A socket that is read and written in messages."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self._buffer = bytearray()

    def send(self, *messages: Message) -> None:
        try:
            self.channel.sendall(b"".join(message.packed() for message in messages))
        except OSError as error:
            raise ConnectionLost from error

    def receive(self) -> Message:
        kind = self._take(1)
        return Message(kind, self._take(struct.unpack("!i", self._take(4))[0] - 4))

    def receive_start(self) -> Message:
        return Message(b"", self._take(struct.unpack("!i", self._take(4))[0] - 4))

    def receive_while(self, other: socket.socket) -> Message:
        """Wait for a message, but not when the other side has hung up."""
        if not self._buffer:
            poll = select.poll()
            poll.register(self.channel, select.POLLIN)
            poll.register(other, select.POLLRDHUP)
            if all(handle == other.fileno() for handle, _ in poll.poll()):
                raise ConnectionLost
        return self.receive()

    def cut(self) -> None:
        """End the talk, for both sides. Whoever reads notices; closing is for the thread that does, since another
        could be given the socket's number meanwhile.
        """
        with suppress(OSError):
            socket.socket.shutdown(self.channel, socket.SHUT_RDWR)  # not ssl's, which would let go of the encryption

    def close(self) -> None:
        self.cut()
        self.channel.close()

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            try:
                received = self.channel.recv(max(65536, size - len(self._buffer)))
            except OSError as error:
                raise ConnectionLost from error
            if not received:
                raise ConnectionLost
            self._buffer += received
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def has_hung_up(channel: socket.socket) -> bool:
    poll = select.poll()
    poll.register(channel, select.POLLRDHUP)
    return bool(poll.poll(0))


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def error_message(error: RedshiftError, severity: str = "ERROR") -> Message:
    fields = {"S": severity, "V": severity, "C": error.sqlstate, "M": str(error), "D": error.detail, "H": error.hint}
    return Message(b"E", b"".join(name.encode() + text(value) for name, value in fields.items() if value) + b"\0")


def error_fields(message: Message) -> dict[str, str]:
    """The fields of an error or notice by their letter: C is the SQLSTATE, M the message, D the detail."""
    return {field[:1].decode(): field[1:].decode("utf-8", "replace") for field in message.texts() if field}


def described_columns(message: Message) -> list[str]:
    """The names of the columns that a row description tells of."""
    return [name for name, _ in _described(message.body)]


def with_varchars(message: Message) -> Message:
    """A row description in which PostgreSQL's text is varchar, as every text is in Redshift."""
    packed = b""
    for name, described in _described(message.body):
        table, column, kind, size, modifier, form = struct.unpack("!ihihih", described)
        kind = VARCHAR if kind == TEXT else kind
        packed += text(name) + struct.pack("!ihihih", table, column, kind, size, modifier, form)
    return Message(b"T", message.body[:2] + packed)


def _described(body: bytes) -> list[tuple[str, bytes]]:
    columns = []
    position = 2
    for _ in range(struct.unpack("!h", body[:2])[0]):
        end = body.index(b"\0", position)
        columns.append((body[position:end].decode(), body[end + 1 : end + 19]))
        position = end + 19
    return columns
