"""Statements that Redshift has for its own administration: settings, users, VACUUM, SHOW, TRUNCATE."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from redshift_stand_in.ddl import temporary_reference
from redshift_stand_in.errors import NotInStandIn, RedshiftError
from redshift_stand_in.tokens import Token, code, find, join, quoted, significant

if TYPE_CHECKING:
    from redshift_stand_in.connection import Connection

Action = Callable[["Connection"], str]

# Parameters of Redshift's that PostgreSQL does not have and nothing here depends on.
_OWN_SETTINGS = {
    "analyze_threshold_percent", "cast_super_null_on_error", "default_geometry_encoding",
    "describe_field_name_in_uppercase", "downcase_delimited_identifier", "enable_case_sensitive_identifier",
    "enable_case_sensitive_super_attribute", "enable_numeric_rounding", "enable_result_cache_for_session",
    "error_on_nondeterministic_update", "max_concurrency_scaling_clusters", "max_cursor_result_set_size",
    "mv_enable_aqmv_for_session", "navigate_super_null_on_error", "parse_super_null_on_error", "query_group",
    "stored_proc_log_min_messages", "use_fips_ssl", "wlm_query_slot_count",
}  # fmt: skip
_NOT_IN_REDSHIFT = {
    "do", "listen", "notify", "unlisten", "reindex", "cluster", "checkpoint", "load", "import", "security", "reassign",
    "discard",
}  # fmt: skip


def action_for(tokens: list[Token], words: list[str]) -> Action | None:
    """What the stand-in does itself for this statement; None where PostgreSQL is to do it."""
    if words[0] in _NOT_IN_REDSHIFT:
        raise RedshiftError(f'syntax error at or near "{words[0]}"', sqlstate="42601")
    if words[0] == "unload":
        raise NotInStandIn("UNLOAD")
    if words[0] == "truncate":
        return _truncate(significant(tokens))
    if words[0] == "vacuum":
        return _vacuum
    if words[0] == "analyze":
        return _nothing("ANALYZE")
    if words[0] in ("set", "reset") and _setting(words) in _OWN_SETTINGS:
        return _nothing(words[0].upper())
    if words[:2] in (["create", "user"], ["alter", "user"]):
        return _user(tokens, words)
    if words[:2] == ["alter", "table"] and _alters_attributes(tokens):
        return _add_key(significant(tokens))
    if words[0] == "show" and words[1:2] and words[1] in ("tables", "schemas", "columns", "databases", "table", "view"):
        raise NotInStandIn(f"SHOW {words[1].upper()}")
    return None


def rewrite(tokens: list[Token], words: list[str]) -> list[Token]:
    """What differs in a word or two from PostgreSQL's statement."""
    if words[0] in ("grant", "revoke"):
        # Redshift says TO ROLE r; to PostgreSQL users, groups and roles are one.
        receivers = max(find(tokens, [word]) for word in ("to", "from"))
        return [
            token
            for index, token in enumerate(tokens)
            if token.word != "role" or not (index > receivers or words[1:2] == ["role"])
        ]
    if words[0] in ("begin", "start"):
        access = " read only" if words[-2:] == ["read", "only"] else ""
        return code(f"begin isolation level repeatable read{access}")  # what Redshift calls SNAPSHOT
    if words[0] == "end":
        return code("commit")
    if words[0] == "abort":
        return code("rollback")
    return tokens


def _setting(words: list[str]) -> str:
    return words[2] if words[1:2] in (["session"], ["local"]) and len(words) > 2 else (words[1] if words[1:] else "")


def _nothing(tag: str) -> Action:
    return lambda _: tag


def _add_key(words: list[Token]) -> Action:
    """ALTER TABLE … ADD of a key, which informs and no more. A temporary table takes no foreign one."""
    name = "".join(word.text for word in words[2 : next(at for at, word in enumerate(words) if word.word == "add")])

    def act(session: Connection) -> str:
        found = session.backend.query(f"select relpersistence from pg_class where oid = {quoted(name)}::regclass")
        if found == [["t"]] and any(word.word == "references" for word in words):
            raise temporary_reference()
        return "ALTER TABLE"

    return act


def _truncate(words: list[Token]) -> Action:
    """TRUNCATE commits the transaction that it runs in."""
    name = words[2:] if words[1:2] and words[1].word == "table" else words[1:]
    if not name or any((part.text == ".") != (index % 2 == 1) for index, part in enumerate(name)):
        raise RedshiftError('syntax error at or near "truncate"', sqlstate="42601")
    table = "".join("." if part.text == "." else f'"{part.value}"' for part in name)

    def act(session: Connection) -> str:
        was_open = session.backend.in_transaction
        session.backend.query(f"truncate table {table}")
        if was_open:
            session.backend.query("commit")
        return "TRUNCATE TABLE"

    return act


def _vacuum(session: Connection) -> str:
    if session.backend.in_transaction:
        raise RedshiftError("VACUUM cannot run inside a transaction block", sqlstate="25001")
    return "VACUUM"


def _user(tokens: list[Token], words: list[str]) -> Action:
    """CREATE USER … PASSWORD: the stand-in checks passwords itself, so PostgreSQL gets none."""
    sql = join(tokens)
    given = significant(tokens)
    index = next((number for number, token in enumerate(given) if token.word == "password"), None)
    name = given[2].value
    if index is None:
        if words[0] == "create":
            raise RedshiftError("syntax error: CREATE USER needs PASSWORD", sqlstate="42601")
        raise NotInStandIn("this form of ALTER USER")
    password = given[index + 1]
    if password.kind == "string" and not re.fullmatch(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[!-~]{8,64}", password.value):
        raise RedshiftError(
            "password must be 8 to 64 characters with an upper case letter, a lower case letter and a digit",
            sqlstate="42601",
        )
    rest = re.sub(r"(?is)\bpassword\s+('[^']*'|disable)", "" if words[0] == "create" else "password null", sql)

    def act(session: Connection) -> str:
        session.backend.query(rest)  # whether one may
        if password.kind == "string":
            session.stand_in.accounts.passwords[name] = password.value
        else:
            session.stand_in.accounts.passwords.pop(name, None)
        return f"{words[0].upper()} USER"

    return act


def _alters_attributes(tokens: list[Token]) -> bool:
    """ALTER TABLE of what PostgreSQL has no counterpart for, or of keys, which it must not enforce."""
    given = [token.word for token in significant(tokens)]
    if "append" in given:
        raise NotInStandIn("ALTER TABLE APPEND")
    if "add" in given and ("primary" in given or "foreign" in given or "unique" in given):
        return True
    if "alter" in given[1:] and any(word in given for word in ("distkey", "diststyle", "sortkey", "encode")):
        raise NotInStandIn("ALTER TABLE of distribution, sorting or encoding")
    return False
