"""Expressions that Redshift spells its own way, in the words of the PostgreSQL behind the stand-in.

Functions of other names and meanings need nothing here: they are in catalog/. What stands here cannot be a function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from redshift_stand_in.tokens import Token, after_space, closing, code, end_of, find, fold, join, split, word_at

_PART_FIRST = {"dateadd", "datediff", "date_part", "date_trunc", "date_diff", "date_add"}


def rewrite_expressions(tokens: list[Token]) -> list[Token]:
    """Every function call and type of a statement that PostgreSQL would not read as it stands."""
    rewritten: list[Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        following = after_space(tokens, index + 1)
        if token.kind == "string" and "\\" in token.text:
            rewritten += code("E" + token.text)  # a backslash escapes in Redshift's literals
        elif token.word == "sysdate" and word_at(tokens, following) != "(":
            rewritten += code("sysdate()")
        elif token.word == "approximate" and word_at(tokens, following) in ("count", "percentile_disc"):
            index = following
            continue
        elif token.word == "nvl" and word_at(tokens, following) == "(":
            rewritten += code("coalesce")
        elif token.word == "json_serialize" and word_at(tokens, index - 1) != ".":
            rewritten += code("pg_catalog.json_serialize")  # alone it is JSON_SERIALIZE of the grammar
        elif token.kind == "quoted":
            rewritten += code(fold(token.text))  # names fold in quotes too
        elif token.word == "minus" and word_at(tokens, following) == "select":
            rewritten += code("except")
        elif word_at(tokens, following) == "(" and token.kind == "name":
            end = closing(tokens, following)
            if (call := _CALLS.get(token.word)) and (replaced := call(token, tokens, following, end)):
                new_tokens, index = replaced
                rewritten += new_tokens
                continue
            rewritten.append(token)
        else:
            rewritten.append(token)
        index += 1
    return rewritten


_Replaced = tuple[list[Token], int] | None


def _quote_part(token: Token, tokens: Sequence[Token], opening: int, end: int) -> _Replaced:
    """dateadd(day, …) is dateadd('day', …)."""
    first = after_space(tokens, opening + 1)
    if tokens[first].kind != "name" or word_at(tokens, after_space(tokens, first + 1)) != ",":
        return None
    rest = rewrite_expressions(list(tokens[first + 1 : end]))
    return [token, *code(f"('{tokens[first].word}'"), *rest, *code(")")], end + 1


def _extract(token: Token, tokens: Sequence[Token], opening: int, end: int) -> _Replaced:
    """extract(ms from x) is the field of that name alone, as an integer."""
    part = after_space(tokens, opening + 1)
    middle = after_space(tokens, part + 1)
    if word_at(tokens, middle) != "from":
        return None
    del token
    rest = rewrite_expressions(list(tokens[middle + 1 : end]))
    return [*code(f"stand_in.field('{tokens[part].value}', "), *rest, *code(")")], end + 1


def _decode(token: Token, tokens: Sequence[Token], opening: int, end: int) -> _Replaced:
    """decode(x, 1, 'a', 'b') is a case in which NULL equals NULL."""
    del token
    arguments = [join(rewrite_expressions(part)).strip() for part in split(tokens[opening + 1 : end], ",")]
    if len(arguments) < 3:
        return None
    subject, rest = arguments[0], arguments[1:]
    whens = " ".join(
        f"when ({subject}) = ({value}) or (({subject}) is null and ({value}) is null) then {result}"
        for value, result in zip(rest[::2], rest[1::2], strict=False)
    )
    default = f" else {rest[-1]}" if len(rest) % 2 else ""
    return code(f"(case {whens}{default} end)"), end + 1


def _listagg(token: Token, tokens: Sequence[Token], opening: int, end: int) -> _Replaced:
    """listagg(x, ', ') within group (order by y) has its order inside the parentheses."""
    arguments = rewrite_expressions(list(tokens[opening + 1 : end]))
    group = end + 1
    order: list[Token] = []
    stop = end + 1
    if find(tokens[group:], ["within", "group", "("]) == after_space(tokens[group:], 0):
        start = end_of(tokens, group, 2)
        start = after_space(tokens, start)
        stop = closing(tokens, start)
        order = [*code(" "), *rewrite_expressions(list(tokens[start + 1 : stop]))]
        stop += 1
    separator = [] if len(split(arguments, ",")) > 1 else code(", ''")
    return [token, *code("("), *arguments, *separator, *order, *code(")")], stop


def _longest(token: Token, tokens: Sequence[Token], opening: int, end: int) -> _Replaced:
    """varchar(max) is the longest there is."""
    inside = [part.word for part in tokens[opening + 1 : end] if part.kind != "space"]
    name = "varchar" if token.word in ("nvarchar", "varchar", "varying") else token.text
    if token.word == "varying":
        name = token.text
    if inside == ["max"]:
        return code(f"{name}(65535)"), end + 1
    return ([*code(name), *tokens[opening : end + 1]], end + 1) if name != token.text else None


def _without_length(token: Token, tokens: Sequence[Token], opening: int, end: int) -> _Replaced:
    del tokens, opening
    return code(token.text), end + 1


def _convert(token: Token, tokens: Sequence[Token], opening: int, end: int) -> _Replaced:
    """convert(type, x) is a cast."""
    del token
    parts = split(tokens[opening + 1 : end], ",")
    if len(parts) != 2:
        return None
    kind, value = join(parts[0]).strip(), join(rewrite_expressions(parts[1])).strip()
    return code(f"cast({value} as {kind})"), end + 1


_CALLS: dict[str, Callable[[Token, Sequence[Token], int, int], _Replaced]] = {
    **dict.fromkeys(_PART_FIRST, _quote_part),
    "extract": _extract,
    "decode": _decode,
    "listagg": _listagg,
    "varchar": _longest,
    "nvarchar": _longest,
    "varying": _longest,
    "varbyte": _without_length,
    "varbinary": _without_length,
    "convert": _convert,
}
