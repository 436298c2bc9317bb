"""From a statement in Redshift's dialect to what the PostgreSQL behind the stand-in is to do, or an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pglast
from pglast import ast
from pglast.visitors import Visitor

from redshift_stand_in import administration
from redshift_stand_in.allowed import documented_functions
from redshift_stand_in.copy_command import parse_copy
from redshift_stand_in.copy_load import run_copy
from redshift_stand_in.ddl import dropped_views, is_create_table, late_binding_view, rewrite_create_table
from redshift_stand_in.errors import READ_ONLY, READ_ONLY_STATE, NotInStandIn, RedshiftError
from redshift_stand_in.guard import check, refuse_unqualified_names
from redshift_stand_in.guard_statements import is_of_function
from redshift_stand_in.rewrite import rewrite_expressions
from redshift_stand_in.selects import rewrite_selects
from redshift_stand_in.tokens import Token, join, quoted, significant, split, tokenize
from redshift_stand_in.wire import Message, error_fields, error_message

if TYPE_CHECKING:
    from redshift_stand_in.connection import Connection

# libpg_query takes one of a process's 1,024 keys of thread-local data for each thread that parses, and gives none back.
_PARSER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="parser")

# What Redshift makes of a type without a length, wherever it stands.
_DEFAULTS = {
    **dict.fromkeys(("text", "varchar", "nvarchar"), "varchar(256)"),
    "bpchar": "char(256)",
    "numeric": "numeric(18, 0)",
}
_TYPE_NAME = re.compile(r"text|character\s+varying|varchar|nvarchar|bpchar|numeric|decimal|dec", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """source is what the client sent. Either PostgreSQL gets sql, or action does it and returns the command's tag."""

    source: str
    sql: str = ""
    action: Callable[[Connection], str] | None = None

    def explain(self, message: Message) -> Message:
        """PostgreSQL's error in Redshift's words, where those differ."""
        fields = error_fields(message)
        if fields["C"] == "23502" and (column := re.search(r'column "([^"]+)"', fields["M"])):
            return error_message(RedshiftError(f"Cannot insert a NULL value into column {column[1]}"))
        if fields["C"] == READ_ONLY_STATE:
            return error_message(RedshiftError(READ_ONLY, sqlstate=READ_ONLY_STATE))
        if fields["C"] == "21000" and "MERGE" in fields["M"]:
            return error_message(RedshiftError("Found multiple matches to update the same tuple."))
        function = re.match(r"function (?:\w+\.)?(\w+)\(", fields["M"]) if fields["C"] == "42883" else None
        if function and function[1] in documented_functions():
            return error_message(NotInStandIn(f"{function[1]}() with these arguments: {fields['M']}"))
        return message


def split_statements(sql: str) -> list[str]:
    return [join(part).strip() for part in split(tokenize(sql), ";") if significant(part)]


def is_transactional(sql: str) -> bool:
    """Whether a statement begins or ends a transaction, or wants none around it."""
    words = ("begin", "start", "commit", "end", "rollback", "abort", "vacuum")
    return significant(tokenize(sql))[0].word in words


def translate(sql: str, connection: Connection) -> Statement:
    """What is to be done for one statement.

    Raises:
        RedshiftError: Redshift would refuse it, or the stand-in does not know it.
    """
    parts = split_statements(sql)
    if len(parts) > 1:
        raise RedshiftError("cannot insert multiple commands into a prepared statement", sqlstate="42601")
    tokens = tokenize(parts[0] if parts else "")
    words = [token.word for token in significant(tokens)]
    if not words:
        return Statement(sql)
    if words[0] == "merge" and words[-2:] == ["remove", "duplicates"]:
        raise NotInStandIn("MERGE … REMOVE DUPLICATES")
    if words[0] == "copy":
        command = parse_copy(significant(tokens))
        return Statement(sql, action=lambda session: run_copy(command, session))
    if action := administration.action_for(tokens, words):
        return Statement(sql, action=action)
    if "view" in words[1:5] and words[0] == "create" and (view := late_binding_view(tokens)):
        return Statement(sql, action=_create_late_binding_view(*view, words, connection))
    if words[:2] == ["drop", "view"]:
        for schema, name in dropped_views(tokens):
            connection.backend.query(f"select stand_in.stand_in_for_view({quoted(schema)}, {quoted(name)})")
    return Statement(sql, _rewritten(administration.rewrite(tokens, words), words, connection))


def _create_late_binding_view(
    schema: str, name: str, tokens: list[Token], words: list[str], connection: Connection
) -> Callable[[Connection], str]:
    definition = _rewritten(tokens, words, connection)
    refuse_unqualified_names(_parsed(definition)[0].stmt.query)
    literals = ", ".join(quoted(value) for value in (schema, name, definition))

    def act(session: Connection) -> str:
        session.backend.query(f"select stand_in.create_late_binding_view({literals})")
        return "CREATE VIEW"

    return act


def _rewritten(tokens: list[Token], words: list[str], connection: Connection) -> str:
    tokens = rewrite_selects(tokens, lambda query: connection.backend.columns(_as_postgres(tokenize(query))))
    if is_create_table(words):
        tokens = rewrite_create_table(tokens)
    return _as_postgres(tokens)


def _as_postgres(tokens: list[Token]) -> str:
    sql = join(rewrite_expressions(tokens))
    try:
        trees = _parsed(sql)
    except pglast.parser.ParseError as error:
        raise RedshiftError(str(error.args[0]), sqlstate="42601") from error
    if not trees:
        return sql
    tree = trees[0].stmt
    check(tree, frozenset(token.value for token in tokenize(sql) if token.kind == "quoted"))
    return _with_lengths(sql, tree)


def _parsed(sql: str) -> tuple[ast.RawStmt, ...]:
    return _PARSER.submit(pglast.parse_sql, sql).result()


def _with_lengths(sql: str, tree: ast.Node) -> str:
    bare = _Bare()
    bare(tree)
    for location, kind in sorted(bare.types.items(), reverse=True):
        if name := _TYPE_NAME.match(sql, location):
            sql = f"{sql[:location]}{_DEFAULTS[kind]}{sql[name.end() :]}"
    return sql


class _Bare(Visitor):
    """Finds the types that stand without a length, those of a function's columns in FROM apart."""

    def __init__(self) -> None:
        self.types: dict[int, str] = {}

    def visit_TypeName(self, ancestors: Any, node: ast.TypeName) -> None:
        kind = node.names[-1].sval
        if kind in _DEFAULTS and not node.typmods and not is_of_function(ancestors):
            self.types[node.location] = kind
