"""One client's connection: sign-in, then the simple and the extended protocol, statement by statement."""

from __future__ import annotations

import socket
import ssl
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redshift_stand_in.backend import Backend
from redshift_stand_in.dialect import Statement, is_transactional, split_statements, translate
from redshift_stand_in.errors import ConnectionLost, NotInStandIn, RedshiftError
from redshift_stand_in.wire import (
    CANCEL_REQUEST,
    GSS_REQUEST,
    SSL_REQUEST,
    Message,
    Stream,
    error_message,
    text,
    with_varchars,
)

if TYPE_CHECKING:
    from redshift_stand_in.stand_in import StandIn

SERVER_VERSION = "8.0.2"  # what Redshift says of itself; drivers go by it
_NOTIFICATIONS = (b"N", b"S", b"A")
# What ends the answer to each of the messages that are passed on one by one.
_ENDS = {
    b"P": b"1",
    b"B": b"2",
    b"C": b"3",
    b"D": b"Tn",
    b"E": b"CIs",
}


@dataclass(eq=False)
class Connection:
    """A client and the session behind it. run() returns when either side has gone."""

    stand_in: StandIn
    channel: socket.socket
    client: Stream = field(init=False)
    backend: Backend | None = None
    user: str = ""
    database: str = ""
    process_id: int = 0
    _statements: dict[bytes, Statement] = field(default_factory=dict)
    _portals: dict[bytes, Statement] = field(default_factory=dict)
    _skips_to_sync: bool = False
    _last_sql: str = ""

    def run(self) -> None:
        self.client = Stream(self.channel)
        try:
            if self._start():
                while (message := self.client.receive()).kind != b"X":
                    self._take(message)
        except ConnectionLost:
            pass
        finally:
            self.close()

    def cut(self) -> None:
        """Break the connection off, from whatever thread; its own then closes it."""
        self.client.cut()
        if self.backend:
            self.backend.cut()

    def close(self) -> None:
        if self.backend:
            self.backend.close()
        self.client.close()

    # Sign-in

    def _start(self) -> bool:
        is_encrypted = False
        while True:
            body = self.client.receive_start().body
            code = struct.unpack("!i", body[:4])[0]
            if code == SSL_REQUEST:
                self.channel.sendall(b"S")
                try:
                    self.channel = self.stand_in.tls.wrap_socket(self.channel, server_side=True)
                except (ssl.SSLError, OSError) as error:
                    raise ConnectionLost from error
                self.client = Stream(self.channel)
                is_encrypted = True
            elif code == GSS_REQUEST:
                self.channel.sendall(b"N")
            elif code == CANCEL_REQUEST:
                self._cancel(body)
                return False
            else:
                break
        parameters = dict(zip(*[iter(part.decode() for part in body[4:].split(b"\0"))] * 2, strict=False))
        return self._sign_in(parameters, is_encrypted)

    def _sign_in(self, parameters: dict[str, str], is_encrypted: bool) -> bool:
        user, self.database = parameters.get("user", ""), parameters.get("database", "")
        if not is_encrypted:
            return self._refuse(f'no pg_hba.conf entry for user "{user}", database "{self.database}", SSL off', "28000")
        self.client.send(Message(b"R", struct.pack("!i", 3)))
        password = self.client.receive().texts()[0].decode()
        if self.stand_in.accounts.is_expired(user, password):
            return self._refuse("IAM Authentication token has expired", "28000")
        signed_in = self.stand_in.accounts.sign_in(user, password)
        if not signed_in:
            return self._refuse(f'password authentication failed for user "{user}"', "28000")
        self.user = signed_in
        self.backend = Backend(
            self.stand_in.postgres.socket, self.channel, {"user": self.user, "database": self.database}
        )
        return self._welcome()

    def _welcome(self) -> bool:
        while True:
            message = self.backend.receive()
            if message.kind == b"S" and message.body.startswith(b"server_version\0"):
                message = Message(b"S", text("server_version") + text(SERVER_VERSION))
            if message.kind == b"K":
                self.process_id = struct.unpack("!i", message.body[:4])[0]
            self.client.send(message)
            if message.kind == b"E":
                return False
            if message.kind == b"Z":
                return True

    def _refuse(self, reason: str, sqlstate: str) -> bool:
        self.client.send(error_message(RedshiftError(reason, sqlstate=sqlstate), "FATAL"))
        return False

    def _cancel(self, body: bytes) -> None:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.connect(self.stand_in.postgres.socket)
            channel.sendall(Message(b"", body).packed())

    # Statements

    def _take(self, message: Message) -> None:
        if message.kind == b"Q":
            self._simple(message.texts()[0].decode())
        elif message.kind == b"S":
            self._skips_to_sync = False
            self.backend.send(message)
            self._forward_until(b"Z")
        elif message.kind == b"H" or self._skips_to_sync:
            pass  # every answer is flushed as it is
        elif message.kind in _ENDS:
            try:
                self._extended(message)
            except ConnectionLost:
                raise
            except Exception as error:
                self._fail(error)
        else:
            self._fail(RedshiftError(f"message {message.kind!r} is not expected here", sqlstate="08P01"))

    def _simple(self, sql: str) -> None:
        """Several statements in one message are one transaction, unless they say otherwise."""
        statements = split_statements(sql)
        if not statements:
            self.client.send(Message(b"I"))
        is_one = len(statements) > 1 and self.backend.status == b"I" and not any(map(is_transactional, statements))
        if is_one:
            self.backend.begin()
        went_well = all(self._went_well(statement) for statement in statements)
        if is_one and self.backend.in_transaction:
            self.backend.query("commit" if went_well else "rollback")
        self.client.send(Message(b"Z", self.backend.status))

    def _went_well(self, sql: str) -> bool:
        """Carry out one statement of the simple protocol."""
        self._last_sql = sql
        self._tell(sql)
        try:
            statement = translate(sql, self)
            if statement.action:
                self._act(statement)
                return True
        except ConnectionLost:
            raise
        except Exception as error:
            self._answer_error(error)
            return False
        self.backend.send(Message(b"Q", text(statement.sql)))
        return self._forward_simple(statement)

    def _forward_simple(self, statement: Statement) -> bool:
        """Pass on the answer to one statement, but not that the server is ready; whether it went well."""
        went_well = True
        while (message := self.backend.receive()).kind != b"Z":
            if message.kind == b"E":
                went_well = False
                self.stand_in.log.failed(statement, message)
                message = statement.explain(message)
            self.client.send(with_varchars(message) if message.kind == b"T" else message)
            if message.kind == b"G":  # COPY … FROM STDIN, which Redshift does not have
                self.backend.send(Message(b"f", text("COPY from the client is not supported")))
        if went_well:
            self.stand_in.log.done(statement)
        return went_well

    def _extended(self, message: Message) -> None:
        if message.kind == b"P":
            name, sql = message.texts()[:2]
            self._last_sql = sql.decode()
            statement = translate(self._last_sql, self)
            self._statements[name] = statement
            rest = message.body[len(name) + len(sql) + 2 :]
            self._pass_on(Message(b"P", name + b"\0" + text(statement.sql) + rest), statement)
        elif message.kind == b"B":
            portal, name = message.texts()[:2]
            self._portals[portal] = self._statements.get(name, Statement(""))
            self._pass_on(message, self._portals[portal])
        elif message.kind in (b"D", b"C"):
            named = self._statements if message.body[:1] == b"S" else self._portals
            self._pass_on(message, named.get(message.body[1:-1], Statement("")))
        else:
            statement = self._portals.get(message.texts()[0], Statement(""))
            self._tell(statement.source)
            self._pass_on(message, statement)

    def _tell(self, sql: str) -> None:
        if self.stand_in.before_statement:
            self.stand_in.before_statement(self, sql)

    def _pass_on(self, message: Message, statement: Statement) -> None:
        if statement.action:
            self._answer_for(message, statement)
            return
        self.backend.send(message, Message(b"H"))
        error = self._forward_until(_ENDS[message.kind], statement)
        if error:
            self._skips_to_sync = True
            self.stand_in.log.failed(statement, error)
        elif message.kind == b"E":
            self.stand_in.log.done(statement)

    def _answer_for(self, message: Message, statement: Statement) -> None:
        """Answer in the place of the server for a statement that the stand-in carries out itself."""
        if message.kind == b"P":
            self.client.send(Message(b"1"))
        elif message.kind == b"B":
            self.client.send(Message(b"2"))
        elif message.kind == b"C":
            self.client.send(Message(b"3"))
        elif message.kind == b"D":
            is_statement = message.body[:1] == b"S"
            parameters = [Message(b"t", struct.pack("!h", 0))] if is_statement else []
            self.client.send(*parameters, Message(b"n"))
        else:
            self._act(statement)

    def _act(self, statement: Statement) -> None:
        if self.backend.status == b"E":
            reason = "current transaction is aborted, commands ignored until end of transaction block"
            raise RedshiftError(reason, sqlstate="25P02")
        tag = statement.action(self)
        self.client.send(Message(b"C", text(tag)))
        self.stand_in.log.done(statement)

    def _forward_until(self, ends: bytes, statement: Statement | None = None) -> Message | None:
        """Pass on messages until one of these kinds or an error, which is returned."""
        while True:
            message = self.backend.receive()
            if message.kind == b"E":
                explained = statement.explain(message) if statement else message
                self.client.send(explained)
                return explained
            self.client.send(with_varchars(message) if message.kind == b"T" else message)
            if message.kind not in _NOTIFICATIONS and message.kind in ends:
                return None

    def _fail(self, error: Exception) -> None:
        self._answer_error(error)
        self._skips_to_sync = True

    def _answer_error(self, error: Exception) -> None:
        """Tell the client, and leave an open transaction as one that has failed."""
        if not isinstance(error, RedshiftError):  # a fault of the stand-in's own, which the test that met it is to show
            error = NotInStandIn(f"what to do here: {error!r}")
        self.stand_in.log.refused(self._last_sql, error)
        self.backend.abort()
        self.client.send(error_message(error))
