"""A statement as a list of tokens, which is what the rewriting works on: what is not touched stays as it was."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)
  | (?P<string>'(?:[^'\\]|''|\\.)*')
  | (?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<parameter>\$\d+)
  | (?P<name>[^\W\d][\w$]*)
  | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
  | (?P<mark>::|<=|>=|<>|!=|\|\||!~\*|!~|~\*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_FOLDED = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@dataclass(frozen=True)
class Token:
    """kind is space, string, dollar, quoted, parameter, name, number or mark; word is compared with keywords."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind in ("name", "mark") else ""

    @property
    def value(self) -> str:
        """What a string, number or name stands for."""
        if self.kind == "string":
            return re.sub(r"\\(.)|''", lambda match: match[1] or "'", self.text[1:-1], flags=re.DOTALL)
        if self.kind == "quoted":
            return fold(self.text[1:-1].replace('""', '"'))  # Redshift folds quoted names too
        return fold(self.text) if self.kind == "name" else self.text


def fold(name: str) -> str:
    """A name in lower case, in which letters beyond ASCII stay as they are."""
    return name.translate(_FOLDED)


def tokenize(sql: str) -> list[Token]:
    return [Token(str(match.lastgroup if match.lastgroup != "tag" else "dollar"), match[0])
            for match in _TOKEN.finditer(sql)]  # fmt: skip


def code(sql: str) -> list[Token]:
    """Tokens that make up already rewritten SQL, which are not looked at again."""
    return [Token("code", sql)]


def join(tokens: Sequence[Token]) -> str:
    return "".join(token.text for token in tokens)


def significant(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if token.kind != "space"]


def after_space(tokens: Sequence[Token], index: int) -> int:
    """The first token from index on that is no space or comment; the length where there is none."""
    while index < len(tokens) and tokens[index].kind == "space":
        index += 1
    return index


def word_at(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].word if 0 <= index < len(tokens) else ""


def closing(tokens: Sequence[Token], index: int) -> int:
    """The parenthesis that closes the one at index; the length where it is not closed."""
    depth = 0
    for position in range(index, len(tokens)):
        if tokens[position].word == "(":
            depth += 1
        elif tokens[position].word == ")":
            depth -= 1
            if depth == 0:
                return position
    return len(tokens)


def split(tokens: Sequence[Token], mark: str) -> list[list[Token]]:
    """The parts between marks that stand in no parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.word == "(") - (token.word == ")")
        if depth == 0 and token.word == mark:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def find(tokens: Sequence[Token], words: Sequence[str], start: int = 0) -> int:
    """Where these words follow one another outside of parentheses, or -1."""
    depth = 0
    for index in range(start, len(tokens)):
        word = tokens[index].word
        depth += (word == "(") - (word == ")")
        if depth == 0 and word == words[0] and _follows(tokens, index, words):
            return index
    return -1


def _follows(tokens: Sequence[Token], index: int, words: Sequence[str]) -> bool:
    for word in words:
        index = after_space(tokens, index)
        if word_at(tokens, index) != word:
            return False
        index += 1
    return True


def end_of(tokens: Sequence[Token], index: int, count: int) -> int:
    """The index behind the count tokens that are no space, from index on."""
    for _ in range(count):
        index = after_space(tokens, index) + 1
    return index


def quoted(value: str) -> str:
    """The text as a literal of PostgreSQL's."""
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'"
