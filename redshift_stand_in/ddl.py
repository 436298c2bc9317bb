"""CREATE TABLE and CREATE VIEW: what Redshift says about slices, sorting, encoding and keys is taken out and kept.

It goes along in a comment at the statement's head, from which a trigger of catalog/tables.sql writes it down for
SVV_TABLE_INFO. Keys only inform Redshift's planner, so PostgreSQL must not enforce them; NOT NULL it does. A temporary
table may have any key but a foreign one. (One that leads to another temporary table is refused here too.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from redshift_stand_in.errors import RedshiftError
from redshift_stand_in.tokens import (
    Token,
    after_space,
    closing,
    code,
    end_of,
    find,
    join,
    significant,
    split,
    tokenize,
    word_at,
)


@dataclass
class Attributes:
    """What Redshift knows of a table besides its columns."""

    diststyle: str = "AUTO"
    distkey: str = ""
    sortkey: list[str] = field(default_factory=list)
    sortstyle: str = ""
    primary_key: list[str] = field(default_factory=list)
    parent: str = ""  # of CREATE TABLE … (LIKE parent), which hands on its distribution and sorting

    def comment(self) -> str:
        return f"/*{json.dumps(self.__dict__)}*/ "


def is_create_table(words: Sequence[str]) -> bool:
    return words[:1] == ["create"] and "table" in words[1:4]


def rewrite_create_table(tokens: list[Token]) -> list[Token]:
    """A CREATE TABLE, with its columns or with AS, that PostgreSQL takes."""
    index = find(tokens, ["table"]) + 1
    if find(tokens, ["if", "not", "exists"]) == after_space(tokens, index):
        index = end_of(tokens, index, 3)
    is_temporary = any(token.word in ("temp", "temporary") for token in tokens[:index])
    if word_at(tokens, after_space(tokens, index)) == "#":
        is_temporary = True
        index = end_of(tokens, index, 1)
    index = _after_name(tokens, index)
    attributes = Attributes()
    head = tokens[:index]
    index = after_space(tokens, index)
    columns: list[Token] = []
    if word_at(tokens, index) == "(" and not _is_query(tokens, index):
        end = closing(tokens, index)
        if is_temporary and any(token.word == "references" for token in tokens[index:end]):
            raise temporary_reference()
        columns = tokenize(f"({_columns(tokens[index + 1 : end], attributes)})")
        index = end + 1
    query_at = find(tokens, ["as"], index)
    if query_at < 0:
        _table_attributes(significant(tokens[index:]), attributes)
        rest: list[Token] = []
    else:
        _table_attributes(significant(tokens[index:query_at]), attributes)
        rest = tokens[query_at:]
    _check(attributes)
    return [*code(attributes.comment()), *head, *code(" "), *columns, *code(" "), *rest]


def temporary_reference() -> RedshiftError:
    return RedshiftError("cannot reference permanent table from temporary table constraint", sqlstate="42P16")


def _after_name(tokens: Sequence[Token], index: int) -> int:
    index = end_of(tokens, index, 1)
    while word_at(tokens, after_space(tokens, index)) == ".":
        index = end_of(tokens, index, 2)
    return index


def _is_query(tokens: Sequence[Token], opening: int) -> bool:
    return word_at(tokens, after_space(tokens, opening + 1)) in ("select", "with")


def _table_attributes(words: list[Token], attributes: Attributes) -> None:
    """DISTSTYLE, DISTKEY, SORTKEY, ENCODE AUTO and BACKUP, in any order."""
    index = 0
    while index < len(words):
        word = words[index].word
        if word == "diststyle":
            attributes.diststyle = _word(words, index + 1, ("auto", "even", "key", "all")).upper()
            index += 2
        elif word == "distkey":
            names, index = _names(words, index + 1)
            if len(names) != 1:
                raise RedshiftError("DISTKEY takes one column", sqlstate="42601")
            attributes.distkey = names[0]
        elif word in ("compound", "interleaved"):
            attributes.sortstyle = word
            _word(words, index + 1, ("sortkey",))
            index += 1
        elif word == "sortkey" and word_at(words, index + 1) == "auto":
            index += 2
        elif word == "sortkey":
            attributes.sortkey, index = _names(words, index + 1)
            attributes.sortstyle = attributes.sortstyle or "compound"
        elif word in ("encode", "backup"):
            _word(words, index + 1, ("auto",) if word == "encode" else ("yes", "no"))
            index += 2
        else:
            raise RedshiftError(f'syntax error at or near "{words[index].text}"', sqlstate="42601")


def _word(words: list[Token], index: int, allowed: Sequence[str]) -> str:
    if word_at(words, index) not in allowed:
        near = words[index].text if index < len(words) else ""
        raise RedshiftError(f'syntax error at or near "{near}"', sqlstate="42601")
    return words[index].word


def _names(words: list[Token], index: int) -> tuple[list[str], int]:
    _word(words, index, ("(",))
    end = closing(words, index)
    return [token.value for token in words[index + 1 : end] if token.word != ","], end + 1


def _columns(tokens: list[Token], attributes: Attributes) -> str:
    kept = []
    for part in split(tokens, ","):
        words = significant(part)
        first = words[0].word if words else ""
        if first == "constraint":
            words = words[2:]
            first = words[0].word
        if first in ("primary", "unique"):
            names, _ = _names(words, 2 if first == "primary" else 1)
            if first == "primary":
                attributes.primary_key += names
        elif first == "foreign":
            pass
        elif first == "like":
            attributes.parent = "".join(
                f'"{word.value}"' if word.kind in ("name", "quoted") else word.text
                for word in words[1 : _after_name(words, 1)]
            )
            kept.append(join(part))
        else:
            kept.append(_column(part, attributes))
    return ", ".join(kept + [f'not null "{name}"' for name in attributes.primary_key])


def _column(tokens: list[Token], attributes: Attributes) -> str:
    """A column without what only Redshift says of it."""
    kept: list[str] = []
    index = after_space(tokens, 0)
    name = tokens[index].value if index < len(tokens) else ""
    while index < len(tokens):
        word = tokens[index].word
        following = after_space(tokens, index + 1)
        if word == "distkey":
            attributes.distkey = name
        elif word == "sortkey":
            attributes.sortkey, attributes.sortstyle = [name], "compound"
        elif word == "encode":
            index = following
        elif word == "primary":
            attributes.primary_key.append(name)
            index = following
        elif word == "unique":
            pass
        elif word == "references":
            index = _after_name(tokens, index + 1)
            opening = after_space(tokens, index)
            index = closing(tokens, opening) if word_at(tokens, opening) == "(" else index - 1
        elif word == "identity":
            clause, index = _identity(tokens, following, "always")
            kept.append(clause)
        elif word == "generated":  # by default as identity(seed, step)
            clause, index = _identity(tokens, after_space(tokens, end_of(tokens, index, 5)), "by default")
            kept.append(clause)
        else:
            kept.append(tokens[index].text)
        index += 1
    return "".join(kept).strip()


def _identity(tokens: list[Token], opening: int, when: str) -> tuple[str, int]:
    """PostgreSQL's clause for the (seed, step) at opening, and where that ends."""
    end = closing(tokens, opening)
    numbers = [join(part).strip() for part in split(tokens[opening + 1 : end], ",")]
    if len(numbers) != 2 or not all(re.fullmatch(r"-?\d+", number) for number in numbers):
        raise RedshiftError("IDENTITY takes a seed and a step", sqlstate="42601")
    seed, step = numbers
    bound = "maxvalue" if step.startswith("-") else "minvalue"
    return f"generated {when} as identity (start with {seed} increment by {step} {bound} {seed})", end


def _check(attributes: Attributes) -> None:
    if attributes.distkey:
        if attributes.diststyle in ("EVEN", "ALL"):
            raise RedshiftError("Cannot specify DISTKEY for a table with DISTSTYLE EVEN or ALL", sqlstate="42601")
        attributes.diststyle = "KEY"
    elif attributes.diststyle == "KEY":
        raise RedshiftError("DISTSTYLE KEY requires a DISTKEY", sqlstate="42601")
    if len(attributes.sortkey) > (8 if attributes.sortstyle == "interleaved" else 400):
        raise RedshiftError("too many columns in the sort key", sqlstate="54011")


def late_binding_view(tokens: list[Token]) -> tuple[str, str, list[Token]] | None:
    """The schema and name of a view WITH NO SCHEMA BINDING, and the statement without these words; None for others."""
    end = find(tokens, ["with", "no", "schema", "binding"])
    if end < 0:
        return None
    name = significant(tokens[find(tokens, ["view"]) + 1 : end])
    schema, view = (name[0].value, name[2].value) if name[1].word == "." else ("public", name[0].value)
    return schema, view, tokens[:end]


def dropped_views(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """The schemas and names of the views that a DROP VIEW names."""
    words = significant(tokens)[2:]
    if [word.word for word in words[:2]] == ["if", "exists"]:
        words = words[2:]
    views = []
    for part in split(words, ","):
        names = [word.value for word in part if word.kind in ("name", "quoted")]
        views.append((names[0], names[1]) if word_at(part, 1) == "." else ("public", names[0] if names else ""))
    return views
