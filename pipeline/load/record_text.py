"""What a record must not contain, although it is JSON, because the engines would read different values.

U+0000 in a text: COPY cuts the text there, DuckDB keeps it. A key given twice: COPY takes the last value, DuckDB's
reader of lines the first. macros/loading/duckdb finds repeated keys itself; everything else uses this module.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NUL = "contains \\u0000"
REPEATED = "key given more than once"
# JSON allows none of these unescaped, and DuckDB's file reader treats some as blanks.
_SUSPICIOUS = (b"\\u0000", b"\0", b"\v", b"\f")
_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_KEY_BYTES = 128  # of load_rejects.column_name


@dataclass(frozen=True)
class Flaw:
    """Why a record is refused. json_key is None if it is not about a single key; value is shown to the user."""

    json_key: str | None
    value: str | None
    reason: str


def is_suspicious(text: bytes) -> bool:
    """Whether lines of a file must be checked one by one. A fast test that is false for almost all text."""
    return any(part in text for part in _SUSPICIOUS)


def find_flaw(line: bytes, json_keys: Sequence[str]) -> Flaw | None:
    """What is wrong with the text of a record, given the keys of its columns; None if it is not a JSON object."""
    return find_nul(line) or _find_repeated(line, json_keys)


def find_nul(line: bytes) -> Flaw | None:
    """The first key with U+0000 in its name or anywhere in its value."""
    if not _NUL_ESCAPE.search(line):
        return None
    record = _parsed(line, dict)
    for key, value in record.items() if isinstance(record, dict) else ():
        if "\0" in key:
            return Flaw(_key_text(key), None, NUL)
        if _has_nul(value):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            return Flaw(_key_text(key), text, NUL)
    return Flaw(None, None, NUL)


def _find_repeated(line: bytes, json_keys: Sequence[str]) -> Flaw | None:
    """The first key, in the order of the columns, that the record has more than once."""
    pairs = _parsed(line, list) if line.startswith(b"{") else None
    counts = Counter(key for key, _ in pairs or ())
    repeated = next((key for key in json_keys if counts[key] > 1), None)
    return Flaw(repeated, None, REPEATED) if repeated else None


def _parsed(line: bytes, kind: type[dict[str, Any]] | type[list[Any]]) -> Any:
    try:
        return json.loads(line.decode(), object_pairs_hook=kind)
    except (ValueError, RecursionError):
        return None


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any("\0" in key or _has_nul(item) for key, item in value.items())
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value


def _key_text(key: str) -> str:
    """A key as load_rejects can store it: without U+0000, and cut if it is too long."""
    text = key.replace("\0", "\\u0000")
    return text if len(text.encode("utf-8", "replace")) <= _KEY_BYTES else text[: _KEY_BYTES // 4]
