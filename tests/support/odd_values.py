"""JSON values that readers disagree on, for every column of the landed tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from records import make_event, make_song

from pipeline.dbt.columns import JsonColumn
from redshift_stand_in.copy_command import CopyCommand
from redshift_stand_in.copy_records import records as copied
from redshift_stand_in.copy_values import Column, FieldError, convert
from redshift_stand_in.errors import NotInStandIn

_WHOLE = (
    *("0", "1", "7", "99998", "99999", "100000", "2147483647", "2147483648", "946684799999", "946684800000"),
    *("1541105830", "4102444800001", "9007199254740993", "9223372036854775807", "9223372036854775808", "1" + "0" * 30),
)
_FRACTIONS = ("", ".0", ".000", ".5", ".000005", ".999999", ".30000000000000004")
_EXPONENTS = ("", "e0", "E2", "e-2", "e+15", "e308", "e400", "e-400")
# fmt: off
_NO_NUMBERS = (
    "+1",
    "01",
    "-01",
    "1.",
    ".5",
    "-",
    "--1",
    "1e",
    "1e+",
    "0x10",
    "1_000",
    "NaN",
    "nan",
    "Infinity",
    "-Infinity",
    "inf",
)
_QUOTED = (
    *(
        "+5",
        "++5",
        " 5",
        "5 ",
        "\t5",
        "5\n",
        "\u00a05",
        "5\u2003",
        "٣",
        "½",
        "1,000",
        "1_000",
        "0x1F",
        "1e2",
        "1E+2",
        "5.",
        ".5",
    ),
    *(
        "-",
        "5-",
        "5.0.0",
        "1 2",
        "true",
        "false",
        "null",
        "None",
        "NULL",
        "\\N",
        "nan",
        "NaN",
        "-nan",
        "inf",
        "Inf",
        "+inf",
    ),
    *(
        "-inf",
        "Infinity",
        "-Infinity",
        "infinity",
        "1e400",
        "1e-400",
        "-0",
        "-0.0",
        "0000",
        "007",
        "1" * 40,
        "0." + "1" * 40,
    ),
)
_TEXTS = (
    *(
        "",
        " ",
        "   ",
        "\t",
        "\n",
        "\r\n",
        " x",
        "x ",
        "x\t",
        "x\n",
        "'",
        '"',
        "\\",
        "\\\\",
        "/",
        "%",
        "_",
        "{}",
        "[]",
        "|",
        ",",
    ),
    *(
        "free",
        "paid",
        "Free",
        "free ",
        " paid",
        "FREE",
        "ﬁ",
        "é",
        "e\u0301",
        "ß",
        "İ",
        "Σ",
        "🎵",
        "👩\u200d🎤",
        "\ufeffx",
        "\u200b",
    ),
    *("\x7f", "\x80", "\x85", "\u2028", "\u2029"),
    *("\ufffd", "\ufffe", "\uffff", "\U0010ffff", "\U0001f600x", "\u202ex"),
    *(f"a{chr(code)}b" for code in range(1, 32)),
)
_RAW = (
    *(
        "true",
        "false",
        "null",
        "True",
        "None",
        "undefined",
        "{}",
        "[]",
        "[ ]",
        "{ }",
        "[1]",
        '["x"]',
        "[null]",
        "[[[]]]",
        '{"a":1}',
    ),
    *(
        '{"a": 1.50, "b": [true, null]}',
        '{"b":1,"a":2}',
        '{"a":1,"a":2}',
        '{"é":"\\u00e9"}',
        "[1,\n2]".replace("\n", " "),
        '{"a":1,}',
    ),
    *(
        '"\\ud83c\\udfb5"',
        '"\\ud800"',
        '"\\udc00x"',
        '"\\ud800\\ud800"',
        '"\\u00e9"',
        '"\\/"',
        '"\\b\\f"',
        '"\\x41"',
        '"\\U0041"',
    ),
    *(
        '"\\u12"',
        '"\\a"',
        '"',
        '"x',
        "'x'",
        '"a\tb"',
        '"a\x01b"',
        '"a\x7fb"',
        "1 ",
        " 1",
        "\t1\t",
        "x",
        "/**/1",
        "1 // one",
        "",
        "1 2",
    ),
)
# fmt: on


@dataclass(frozen=True)
class OddRecord:
    """A record of a table with an odd value, as it is written, for one of its columns. number is its own."""

    table_name: str
    number: int
    column: JsonColumn
    value: str

    @property
    def key(self) -> tuple[str, int]:
        return self.table_name, self.number

    @property
    def text(self) -> str:
        name = f"R{self.number}"
        is_event = self.table_name == "staging_events"
        record = make_event(userAgent=name, firstName=name) if is_event else make_song(song_id=name, title=name)
        written = {key: json.dumps(value) for key, value in record.items()} | {self.column.json_key: self.value}
        return "{" + ", ".join(f'"{key}": {text}' for key, text in written.items()) + "}"

    @property
    def id_column(self) -> str:
        """A column that has the number and is not the odd one."""
        first, second = ("user_agent", "first_name") if self.table_name == "staging_events" else ("song_id", "title")
        return second if self.column.name == first else first

    @property
    def is_known_of_redshift(self) -> bool:
        """Whether it is documented what COPY makes of the value: the stand-in refuses to guess."""
        record = next(copied([self.text.encode()]))
        if record.error or not isinstance(record.value, dict):
            return True
        try:
            convert(record.value[self.column.json_key], _stand_in_column(self.column), CopyCommand("", roundec=True))
        except NotInStandIn:
            return False
        except FieldError:
            pass
        return True


def odd_records(table_name: str, columns: Sequence[JsonColumn]) -> list[OddRecord]:
    """Every odd value for every column."""
    pairs = [(column, value) for column in columns for value in _values_for(column)]
    return [OddRecord(table_name, number, *pair) for number, pair in enumerate(pairs)]


_NUMBERS = [sign + "".join(parts) for sign in ("", "-") for parts in product(_WHOLE, _FRACTIONS, _EXPONENTS)]
_OTHERS = [
    *_RAW,
    *_NO_NUMBERS,
    *(json.dumps(text) for text in (*_QUOTED, *_NO_NUMBERS, *_NUMBERS[::23])),
    *(json.dumps(text, ensure_ascii=is_escaped) for text in _TEXTS for is_escaped in (False, True)),
]


def _values_for(column: JsonColumn) -> list[str]:
    numbers = _NUMBERS[::61] if column.data_type.startswith("varchar") else _NUMBERS
    return list(dict.fromkeys([*_OTHERS, *_at_the_limits_of(column), *numbers]))


def _at_the_limits_of(column: JsonColumn) -> list[str]:
    """Texts of about as many bytes as the column takes; numbers about its range."""
    if column.data_type.startswith("varchar"):
        limit = int(column.data_type[8:-1])
        letters = [letter * (limit // len(letter.encode()) + more) for letter in "xé🎵" for more in (-1, 0, 1)]
        return [json.dumps(text + blank, ensure_ascii=False) for text in letters for blank in ("", " ")]
    return [str(limit + step) for limit in column.range or () for step in (-1, 0, 1, -0.000004, 0.000004, -0.5, 0.5)]


def _stand_in_column(column: JsonColumn) -> Column:
    kind, _, size = column.data_type.rstrip(")").partition("(")
    kinds = {"bigint": "int8", "integer": "int4", "double precision": "float8"}
    sizes = [int(number) for number in size.split(",") if number]
    if kind == "numeric":
        return Column(column.name, kind, None, sizes[0], sizes[1], column.not_null)
    return Column(column.name, kinds.get(kind, kind), sizes[0] if sizes else None, None, None, column.not_null)
