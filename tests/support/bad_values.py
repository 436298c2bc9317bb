"""What a load makes of values and lines: one table for both engines, and for both of DuckDB's readers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from records import make_event

TAKEN = [
    ("ts", 946684800000, 946684800000),
    ("ts", "1541105830796", 1541105830796),
    ("ts", 4102444800000, 4102444800000),
    ("registration", 1540919166796.0, 1540919166796),
    ("registration", "", None),
    ("registration", None, None),
    ("userId", "", None),
    ("userId", 7, 7),
    ("status", -1, -1),
    ("song", 3, "3"),
    ("song", " 3 ", " 3 "),
    ("song", 'a "b" \\ \t\u0018\n', 'a "b" \\ \t\u0018\n'),
    ("song", "é" * 1024, "é" * 1024),
    ("song", "", ""),
    ("song", "🎵", "🎵"),
    ("artist", None, None),
    ("length", 0.1, 0.1),
    ("length", "12.5", 12.5),
    ("length", 1e2, 100),
    ("length", 200.123456, 200.12346),
    ("length", 99999.000004, 99999),
    ("level", "", ""),
    ("page", " ", " "),
]

NO_TIME = "not between 2000 and 2100 in milliseconds"
# Key, value, and DuckDB's reason; Redshift's is COPY's own, but for what COPY does not check.
REFUSED = [
    ("ts", 3.7, "not of type bigint: '3.7'"),
    ("ts", True, "not of type bigint: 'true'"),
    ("ts", None, "missing"),
    ("ts", "", "missing"),
    ("ts", str(2**63), "not of type bigint"),
    ("ts", "1_000", "not of type bigint"),
    ("ts", 5, f"{NO_TIME}: '5'"),
    ("ts", -1, f"{NO_TIME}: '-1'"),
    ("ts", 946684799999, f"{NO_TIME}: '946684799999'"),
    ("ts", 1541105830, f"{NO_TIME}; looks like seconds: '1541105830'"),
    ("ts", "1541105830", f"{NO_TIME}; looks like seconds: '1541105830'"),
    ("ts", 1541105830796000, f"{NO_TIME}; looks like microseconds: '1541105830796000'"),
    ("ts", "1541105830796000000", f"{NO_TIME}; looks like nanoseconds: '1541105830796000000'"),
    ("registration", 1540919166.0, f"{NO_TIME}; looks like seconds: '1540919166.0'"),
    ("ts", [1], "not of type bigint: '[1]'"),
    ("registration", str(2**62), "not between"),
    ("status", 2**31, "not of type integer"),
    ("status", 1e-3, "not of type integer"),
    ("status", "a\u0085b", "not of type integer: 'a\\x85b'"),
    ("userId", "seven", "not of type bigint: 'seven'"),
    ("length", -1, "not between 0 and 99999"),
    ("length", 99999.00001, "not between 0 and 99999"),
    ("length", 100000, "not of type numeric(10,5)"),
    ("length", True, "not of type numeric(10,5): 'true'"),
    ("length", "1_0", "not of type numeric(10,5)"),
    ("length", "nan", "not of type numeric(10,5)"),
    ("length", "inf", "not of type numeric(10,5)"),
    ("level", "gold", "not one of free, paid: 'gold'"),
    ("level", "free ", "not one of free, paid: 'free '"),
    ("level", "  ", "not one of free, paid"),
    ("page", "", "missing"),
    ("page", None, "missing"),
    ("song", "é" * 1025, "longer than 2048 bytes"),
]

# What DuckDB's load takes, or refuses (its reason then begins with "not"). Redshift does otherwise, or nobody knows:
# how true reads in a text, and a number without quotes that floating point cannot hold, are not documented.
ON_DUCKDB_ONLY = [
    ("song", True, "true"),
    ("userId", "5.0", 5),
    ("ts", " 5", "not of type bigint"),
    ("userId", "+5", "not of type bigint"),
    ("ts", 2**63, "not of type bigint"),
    ("song", "é" * 1024 + " ", "longer than 2048 bytes"),
]


@dataclass(frozen=True)
class Difference:
    """Values that DuckDB and the stand-in treat differently: patterns of the columns' types and of the JSON text."""

    what: str
    data_type: str
    value: str


# In test_odd_values.py nothing else may differ. COPY's side is what the stand-in does, which is not always documented.
DIFFERENCES = [
    Difference(
        "a number in quotes with blanks, a plus or a bare point (COPY takes it)",
        r"(?!varchar).*",
        r'"(?: |\\[tn])*[+-]?(?:\d+\.?\d*|\.\d+)(?: |\\[tn])*"',
    ),
    Difference("a whole number in quotes with a fraction of zero (DuckDB takes it)", "bigint|integer", r'"-?\d+\.0+"'),
    Difference(
        "a decimal in quotes that only its exponent makes small enough (COPY takes it)",
        "numeric.*",
        r'"-?\d+(?:\.\d+)?[eE][+-]?\d+"',
    ),
    Difference("blanks beyond a text's length (COPY cuts them)", "varchar.*", r'".* "'),
    Difference(
        "a number with a fraction or an exponent in a text (DuckDB writes it its own way, which may be shorter)",
        "varchar.*",
        r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?",
    ),
    Difference(
        "an object in a text (DuckDB writes numbers its own way, COPY drops repeated keys)", "varchar.*", r"\{.*\}"
    ),
    Difference("a comma before the end of an object in a text (DuckDB takes it)", "varchar.*", r"\{.*,\}"),
    Difference("NaN or Infinity without quotes in a text (DuckDB takes it)", "varchar.*", r"-?(?i:nan|inf(?:inity)?)"),
]


def difference_of(data_type: str, value: str) -> Difference | None:
    """The listed difference that a value falls under, the last of several."""
    found = [
        item for item in DIFFERENCES if re.fullmatch(item.data_type, data_type) and re.fullmatch(item.value, value)
    ]
    return found[-1] if found else None


@dataclass(frozen=True)
class BadLine:
    """A line that is no record. in_two is whether COPY would take more or less than one record from it."""

    text: str | bytes
    reason: str
    in_two: bool = False

    @property
    def shown(self) -> str:
        return self.text if isinstance(self.text, str) else self.text.decode("utf-8", "backslashreplace")


BAD_LINES = [
    BadLine('{"ts": 1', "malformed JSON"),
    BadLine("[1, 2]", "not a JSON object"),
    BadLine("17", "not a JSON object"),
    BadLine(json.dumps(make_event(song="x")).encode().replace(b'"x"', b'"\xff"'), "not UTF-8"),
    BadLine(json.dumps(make_event(song="\ud800")), "malformed JSON"),
    BadLine(json.dumps(make_event()) * 2, "malformed JSON", in_two=True),
]


def bad_event(key: str, value: Any) -> dict[str, Any]:
    return make_event(**{key: value})


def column_of(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)
