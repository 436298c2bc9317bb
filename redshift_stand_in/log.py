"""What was sent to the stand-in, and what became of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redshift_stand_in.errors import RedshiftError
from redshift_stand_in.wire import Message, error_fields

if TYPE_CHECKING:
    from redshift_stand_in.dialect import Statement


@dataclass(frozen=True)
class Sent:
    """A statement as it came, and the error that answered it, empty where it went well."""

    sql: str
    error: str = ""


@dataclass
class Log:
    """Every statement that was carried out or refused, in order."""

    statements: list[Sent] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def done(self, statement: Statement) -> None:
        self._add(Sent(statement.source))

    def failed(self, statement: Statement, message: Message) -> None:
        self._add(Sent(statement.source, error_fields(message)["M"]))

    def refused(self, sql: str, error: RedshiftError) -> None:
        self._add(Sent(sql, str(error)))

    def _add(self, sent: Sent) -> None:
        with self._lock:
            self.statements.append(sent)
