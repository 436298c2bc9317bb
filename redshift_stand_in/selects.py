"""QUALIFY, * EXCLUDE, GROUP BY ALL and TOP, wherever a SELECT stands, in terms of what PostgreSQL has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from redshift_stand_in.errors import NotInStandIn, RedshiftError
from redshift_stand_in.tokens import (
    Token,
    after_space,
    closing,
    code,
    find,
    join,
    significant,
    split,
    tokenize,
    word_at,
)

Columns = Callable[[str], list[str]]
"""The names of the columns that a query gives."""

_CLAUSES = ("from", "where", "group", "having", "qualify", "order", "limit", "offset")
_AGGREGATES = {
    "any_value", "avg", "bit_and", "bit_or", "bool_and", "bool_or", "count", "listagg", "max", "median", "min",
    "percentile_cont", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance",
}  # fmt: skip


def rewrite_selects(tokens: list[Token], columns: Columns, scope: str = "") -> list[Token]:
    """Every SELECT of a statement, the innermost first. scope is the WITH that they can read."""
    words = {token.word for token in tokens}
    if not words & {"qualify", "exclude", "all", "top"}:
        return tokens
    head, body, scope = _with_clause(tokens, columns, scope)
    rewritten: list[Token] = []
    index = 0
    while index < len(body):
        if body[index].word == "(":
            end = closing(body, index)
            rewritten += [body[index], *rewrite_selects(body[index + 1 : end], columns, scope), *body[end : end + 1]]
            index = end + 1
        else:
            rewritten.append(body[index])
            index += 1
    return [*head, *_at_this_level(rewritten, columns, scope)]


def _with_clause(tokens: list[Token], columns: Columns, scope: str) -> tuple[list[Token], list[Token], str]:
    """The WITH at the head, rewritten; what follows it; and the scope of that."""
    start = find(tokens, ["with"])
    if start < 0 or any(token.kind != "space" for token in tokens[:start] if token.kind != "code"):
        return [], tokens, scope
    head = list(tokens[: start + 1])
    index = start + 1
    while True:
        opening = find(tokens, ["as"], index)
        opening = after_space(tokens, opening + 1)
        end = closing(tokens, opening)
        head += tokens[index : opening + 1]
        name = join(tokens[index:opening])
        query = rewrite_selects(tokens[opening + 1 : end], columns, scope)
        head += [*query, *tokens[end : end + 1]]
        scope = f"{scope}{', ' if scope else 'with '}{name}({join(query)})"
        index = end + 1
        if word_at(tokens, after_space(tokens, index)) != ",":
            return head, tokens[index:], scope
        head += tokens[index : after_space(tokens, index) + 1]
        index = after_space(tokens, index) + 1


def _at_this_level(tokens: list[Token], columns: Columns, scope: str) -> list[Token]:
    rewritten: list[Token] = []
    start = 0
    for index in [*_set_operators(tokens), len(tokens)]:
        rewritten += _select(tokens[start:index], columns, scope)
        start = index
    return rewritten


def _set_operators(tokens: Sequence[Token]) -> list[int]:
    """Where UNION, EXCEPT and INTERSECT stand outside of parentheses."""
    found = []
    for word in ("union", "except", "intersect", "minus"):
        index = find(tokens, [word])
        while index >= 0:
            found.append(index)
            index = find(tokens, [word], index + 1)
    return sorted(found)


def _select(tokens: list[Token], columns: Columns, scope: str) -> list[Token]:
    start = find(tokens, ["select"])
    if start < 0:
        return tokens
    head, tokens = tokens[: start + 1], tokens[start + 1 :]
    clauses = _clauses(tokens)
    limit = _take_top(clauses)
    _expand_exclude(clauses, columns, scope)
    _group_by_all(clauses)
    query = [*head, *_qualify(clauses, columns, scope)] if "qualify" in clauses else [*head, *_joined(clauses)]
    return [*query, *limit]


def _clauses(tokens: list[Token]) -> dict[str, list[Token]]:
    """The clauses of one SELECT by their first word, which is kept in them; the list of columns is called select."""
    clauses: dict[str, list[Token]] = {"select": []}
    current, depth = "select", 0
    for index, token in enumerate(tokens):
        depth += (token.word == "(") - (token.word == ")")
        before = significant(tokens[:index])[-1:]
        is_clause = token.word in _CLAUSES and depth == 0 and token.word not in clauses
        if is_clause and not (before and before[0].word in (".", "within")):
            current = token.word
            clauses[current] = []
        clauses[current].append(token)
    return clauses


def _joined(clauses: dict[str, list[Token]], *, without: Sequence[str] = ()) -> list[Token]:
    return [token for name, part in clauses.items() if name not in without for token in part]


def _take_top(clauses: dict[str, list[Token]]) -> list[Token]:
    listed = significant(clauses["select"])
    if word_at(listed, 0) != "top":
        return []
    index = after_space(clauses["select"], after_space(clauses["select"], 0) + 1)
    number = clauses["select"][index].text
    clauses["select"] = [*code(" "), *clauses["select"][index + 1 :]]
    return code(f" limit {number}")


def _expand_exclude(clauses: dict[str, list[Token]], columns: Columns, scope: str) -> None:
    """EXCLUDE stands at the end of the list and takes columns out of all of it."""
    listed = clauses["select"]
    index = find(listed, ["exclude"])
    if index < 0:
        return
    words = significant(listed[index + 1 :])
    if word_at(words, 0) == "(":
        words = words[1:-1] if closing(words, 0) == len(words) - 1 else []
    excluded = [part[0].value for part in split(words, ",") if len(part) == 1 and part[0].kind in ("name", "quoted")]
    if not excluded or len(excluded) != len(split(words, ",")):
        raise RedshiftError('syntax error at or near "exclude"', sqlstate="42601")
    source = join(clauses.get("from", []))
    kept: list[str] = []
    given: list[str] = []
    for part in split(listed[:index], ","):
        item = join(part).strip()
        names = columns(f"{scope} select {item} {source}")
        given += names
        if not item.endswith("*"):
            kept += [item] if names[0] not in excluded else []
        elif len(set(names)) < len(names):
            raise NotInStandIn("* EXCLUDE over several columns of one name")
        else:
            kept += [f'{item[:-1]}"{name}"' for name in names if name not in excluded]
    if unknown := [name for name in excluded if name not in given]:
        raise RedshiftError(f'column "{unknown[0]}" of EXCLUDE does not exist', sqlstate="42703")
    clauses["select"] = tokenize(f" {', '.join(kept)} ")


def _group_by_all(clauses: dict[str, list[Token]]) -> None:
    if [token.word for token in significant(clauses.get("group", []))] != ["group", "by", "all"]:
        return
    if any(significant(part)[-1:] and significant(part)[-1].word == "*" for part in split(clauses["select"], ",")):
        raise NotInStandIn("GROUP BY ALL with *")
    grouped = [
        str(number) for number, part in enumerate(split(clauses["select"], ","), start=1) if not _is_aggregate(part)
    ]
    clauses["group"] = code(f" group by {', '.join(grouped)} ") if grouped else []


def _is_aggregate(tokens: list[Token]) -> bool:
    return any(
        token.word in _AGGREGATES
        and word_at(tokens, opening := after_space(tokens, index + 1)) == "("
        and word_at(tokens, after_space(tokens, closing(tokens, opening) + 1)) != "over"
        for index, token in enumerate(tokens)
    )


def _qualify(clauses: dict[str, list[Token]], columns: Columns, scope: str) -> list[Token]:
    """Work the condition out beside the columns, and keep the rows for which it is true."""
    _refuse_without_alias(clauses)
    listed = join(clauses["select"])
    source = _joined(clauses, without=("select", "qualify", "order", "limit", "offset"))
    names = columns(f"{scope} select {listed} {join(source)}")
    given = columns(f"{scope} select * {join(clauses['from'])}") if "from" in clauses else []
    condition = _with_aliases(clauses["qualify"][1:], clauses["select"], given)
    numbered = ", ".join(f"column_{number}" for number in range(len(names)))
    renamed = ", ".join(f'column_{number} as "{name}"' for number, name in enumerate(names))
    query = (
        f" {renamed} from (select {listed}, ({condition}) as qualify_ {join(source)} {join(clauses.get('order', []))}"
        f") as qualified ({numbered}, qualify_) where qualify_ "
    )
    return tokenize(query + join([*clauses.get("limit", []), *clauses.get("offset", [])]))


def _refuse_without_alias(clauses: dict[str, list[Token]]) -> None:
    """A QUALIFY directly behind FROM wants what stands there to have an alias."""
    names = list(clauses)
    if names[names.index("qualify") - 1] != "from":
        return
    for source in split(clauses["from"][1:], ","):
        words = significant(source)
        if all(word.kind in ("name", "quoted") for word in words[::2]) and all(
            word.text == "." for word in words[1::2]
        ):
            raise RedshiftError('syntax error at or near "qualify"', sqlstate="42601")


def _with_aliases(condition: list[Token], listed: list[Token], given: list[str]) -> str:
    """The condition with the columns' aliases replaced by what they stand for."""
    aliases = {}
    for part in split(listed, ","):
        index = find(part, ["as"])
        if index >= 0:
            aliases[significant(part[index + 1 :])[0].value] = join(part[:index]).strip()
    replaced = ""
    for index, token in enumerate(condition):
        is_alias = token.kind in ("name", "quoted") and token.value in aliases
        if not is_alias or word_at(condition, index - 1) == "." or word_at(condition, index + 1) in (".", "("):
            replaced += token.text
        elif token.value not in given:
            replaced += f"({aliases[token.value]})"
        elif aliases[token.value].rpartition(".")[2].lower() == token.value:
            replaced += aliases[token.value]
        else:
            raise NotInStandIn(f"whether {token.value} in QUALIFY is the column or the alias")
    return replaced
