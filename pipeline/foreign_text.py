"""Text from outside, such as file names, record keys, values and engine errors, is text: never code and never markup.

Output goes through pipeline/console/display.py, errors through door/command.py, pages through pipeline/site/pages.py.
These call the functions here, so the rest of the pipeline can put foreign text into its own.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import traceback
import unicodedata
from pathlib import Path
from typing import Any

# Controls, formats (bidi overrides among them), lone surrogates, private and unassigned letters, line separators.
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # needed to write Persian, Hindi and emoji, and harmless


def printable(text: str, *, keep: str = "") -> str:
    """The text with visible escapes for letters that move a cursor, end a line or turn text around.

    keep lists letters to leave as they are, such as the line breaks of our own text.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter in keep or is_visible(letter) else repr(letter)[1:-1] for letter in text)


def message_of(error: Exception) -> str:
    """Our own error as printable text: each argument is a line, and a line break within one is foreign."""
    return "\n".join(printable(str(line)) for line in error.args)


def print_traceback(*error: Any) -> None:
    """Print a bug's traceback as Python does; it may quote foreign text."""
    sys.stderr.write(printable("".join(traceback.format_exception(*error)), keep="\n"))


def first_line(error: BaseException) -> str:
    """The first line of an engine's error; only a line feed ends it, since names may contain other separators."""
    return str(error).partition("\n")[0]


def is_visible(letter: str) -> bool:
    return letter.isprintable() or letter in _JOINERS or unicodedata.category(letter) not in _ESCAPED


def shell_word(text: str) -> str:
    """The text as one printable word of a shell command that the user can copy."""
    if printable(text) == text:
        return shlex.quote(text)
    return "$'" + "".join(_in_ansi_quotes(letter) for letter in text) + "'"


def as_json(value: Any) -> str:
    """The value as JSON: the exact data, with escapes for what a terminal would act on or cannot show."""
    text = json.dumps(
        value,
        default=lambda other: other.isoformat() if hasattr(other, "isoformat") else str(other),
        ensure_ascii=not (sys.stdout.encoding or "").lower().startswith("utf"),
        indent=2,
        allow_nan=False,
    )
    return text if text.isascii() and "\x7f" not in text else re.sub(r"[^\n -~]", _in_json, text)


def _in_ansi_quotes(letter: str) -> str:
    if letter in "\\'":
        return f"\\{letter}"
    if is_visible(letter):
        return letter
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python names it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _in_json(found: re.Match[str]) -> str:
    if is_visible(found[0]):
        return found[0]
    return re.sub("(....)", r"\\u\1", found[0].encode("utf-16-be", "surrogatepass").hex())


def shown(path: Path | str) -> str:
    """A path as a person here would write it: without the part that leads to where one is."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else str(path)
