"""What a client is told when its statement is refused."""

from __future__ import annotations

READ_ONLY_STATE, READ_ONLY = "25006", "transaction is read-only"


class RedshiftError(Exception):
    """An error as Redshift would send it: a SQLSTATE and a message, and where it helps a detail and a hint."""

    def __init__(self, message: str, *, sqlstate: str = "XX000", detail: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.detail = detail
        self.hint = hint


class NotInRedshift(RedshiftError):
    """Something that PostgreSQL would take and Redshift does not have."""

    def __init__(self, message: str) -> None:
        super().__init__(message, sqlstate="0A000")


class NotInStandIn(RedshiftError):
    """Something that Redshift has and the stand-in does not. Never an answer about Redshift."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the stand-in does not know {what}", sqlstate="58000")


class ConnectionLost(Exception):
    """One of the two sides is gone."""
