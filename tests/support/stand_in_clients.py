"""Clients of the Redshift stand-in for its own tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2

from redshift_stand_in import StandIn
from redshift_stand_in.stand_in import PASSWORD, USER


def connect(stand_in: StandIn, database: str, *, user: str = USER, password: str = PASSWORD) -> Any:
    """A connection of the simple protocol that verifies the server's certificate; every statement commits."""
    connection = psycopg2.connect(
        host="127.0.0.1",
        port=stand_in.port,
        dbname=database,
        user=user,
        password=password,
        sslmode="verify-full",
        sslrootcert=str(stand_in.authority),
    )
    connection.autocommit = True
    return connection


@dataclass(frozen=True)
class Client:
    """A connection that is asked one statement after the other."""

    connection: Any

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def run(self, *statements: str) -> None:
        for sql in statements:
            self.rows(sql)

    def refusal(self, sql: str) -> tuple[str, str]:
        """The SQLSTATE and message of the error that answers a statement."""
        try:
            rows = self.rows(sql)
        except psycopg2.Error as error:
            return str(error.pgcode), str(error)
        raise AssertionError(f"accepted: {sql} -> {rows}")

    def refusals(self, statements: Sequence[str]) -> dict[str, str]:
        return {sql: self.refusal(sql)[0] for sql in statements}
