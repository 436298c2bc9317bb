"""A value of a JSON record for a column of a table, as COPY takes it."""

from __future__ import annotations

import json
import math
import re
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from redshift_stand_in.copy_command import CopyCommand
from redshift_stand_in.errors import NotInStandIn

_INTEGERS = {"int2": (16, "Short"), "int4": (32, "Integer"), "int8": (64, "Long")}
_BOOLEANS = {
    **dict.fromkeys(("t", "true", "1", "y", "yes"), "t"),
    **dict.fromkeys(("f", "false", "0", "n", "no"), "f"),
}
_EXACT = 2**53  # numbers without quotes pass through floating point
_DEFAULT_TIMEFORMATS = ("", "auto", "YYYY-MM-DD HH:MI:SS", "YYYY-MM-DD HH24:MI:SS")
_TEXTS = ("varchar", "bpchar", "text")


class FieldError(Exception):
    """A value that its column does not take: the code and reason of SYS_LOAD_ERROR_DETAIL, and where in the value."""

    def __init__(self, code: int, reason: str, position: int = 0) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair has no UTF-8
        self.position = position


class Number(str):
    """A number as it was written."""


@dataclass(frozen=True)
class Column:
    """A column of the table. kind is PostgreSQL's name of its type, length is in bytes, None without a limit."""

    name: str
    kind: str
    length: int | None
    precision: int | None
    scale: int | None
    is_not_null: bool


def convert(value: Any, column: Column, command: CopyCommand) -> str | None:
    """The value as PostgreSQL reads it, or None for NULL.

    Raises:
        FieldError: the column does not take it.
    """
    converted = None if value is None else _converted(value, column, command)
    if converted is None and column.is_not_null:
        raise FieldError(1213, "Missing data for not-null field")
    return converted


def _converted(value: Any, column: Column, command: CopyCommand) -> str | None:
    if column.kind == "super":
        return _as_json(value)
    if column.kind in _TEXTS:
        return _text(value, column, command)
    written = _as_json(value) if isinstance(value, (dict, list, bool)) else value
    if written == "":
        return None
    if not written.strip():
        raise NotInStandIn(f"what becomes of blanks in a column of type {column.kind}")
    if column.kind in _INTEGERS:
        return _integer(written, column)
    if column.kind == "numeric":
        return _numeric(written, column, command, is_text=not isinstance(value, Number))
    if column.kind in ("float4", "float8"):
        return _float(written)
    if column.kind == "bool":
        if written.strip().lower() not in _BOOLEANS:
            raise FieldError(1210, "Unknown boolean format")
        return _BOOLEANS[written.strip().lower()]
    if column.kind == "date":
        return _date(written)
    if column.kind in ("timestamp", "timestamptz"):
        return _timestamp(written, command)
    raise NotInStandIn(f"COPY into a column of type {column.kind}")


def _text(value: Any, column: Column, command: CopyCommand) -> str | None:
    if isinstance(value, bool):
        raise NotInStandIn("how true and false read in a text")
    text = _as_json(value) if isinstance(value, (dict, list)) else str(value)
    if "\0" in text:
        text = text.partition("\0")[0]
        if not text:
            raise FieldError(1218, "Invalid null byte - field longer than 1 byte")
    if any("\ud800" <= character <= "\udfff" for character in text):
        if not command.acceptinvchars:
            raise FieldError(1220, "String contains invalid or unsupported UTF-8 codepoints.")
        text = re.sub("[\ud800-\udfff]", command.acceptinvchars, text)
    if command.trimblanks:
        text = text.rstrip(" ")
    if command.emptyasnull and not text:
        return None
    if column.kind == "bpchar" and not text.isascii():
        raise FieldError(1220, "Multibyte character not supported for CHAR (Hint: Try using VARCHAR).")
    if column.length is not None and len(text.encode()) > column.length:
        if not command.truncatecolumns and len(text.rstrip(" ").encode()) > column.length:
            raise FieldError(1204, "String length exceeds DDL length")
        text = text.encode()[: column.length].decode("utf-8", "ignore")
    return text


def _integer(written: str, column: Column) -> str:
    bits, name = _INTEGERS[column.kind]
    text = written.strip(string.whitespace)
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        number = _finite(text)
        if not isinstance(written, Number) or number is None or number != math.floor(number):
            position = next(
                (at for at, sign in enumerate(text) if not (sign.isdigit() or (at == 0 and sign in "+-"))), 0
            )
            raise FieldError(1207, f"Invalid digit, Value '{text[position]}', Pos {position}, Type: {name}", position)
        text = str(int(number))
    if isinstance(written, Number) and abs(int(text)) > _EXACT:
        raise NotInStandIn("what floating point makes of a number without quotes that is so large")
    if not -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1):
        raise FieldError(1222, f"Overflow, Value '{text[:40]}', Type: {name}")
    return str(int(text))


def _numeric(written: str, column: Column, command: CopyCommand, *, is_text: bool) -> str:
    try:
        # A number without quotes passes through floating point.
        number = Decimal(written.strip()) if is_text else Decimal(repr(float(written)))
        if not _is_plain(written):
            raise ValueError
    except (InvalidOperation, ValueError):
        raise FieldError(1207, f"Invalid digit, Value '{written.strip()[0]}', Pos 0, Type: Decimal") from None
    if not number.is_finite():
        raise FieldError(1209, "Invalid decimal format")
    if column.scale is not None:
        rounding = ROUND_HALF_UP if command.roundec else ROUND_DOWN
        if abs(number) >= Decimal(10) ** (column.precision - column.scale):
            raise FieldError(1222, "Numeric data overflow (result precision)")
        number = number.quantize(Decimal(1).scaleb(-column.scale), rounding=rounding)
        if abs(number) >= Decimal(10) ** (column.precision - column.scale):
            raise FieldError(1222, "Numeric data overflow (result precision)")
    return str(number)


def _float(written: str) -> str:
    number = _finite(written)
    if number is None:
        raise FieldError(1208, "Invalid floating point format")
    if not number and re.search("[1-9]", re.split("[eE]", written)[0]):
        raise NotInStandIn("what becomes of a number that is too small for floating point")
    return written.strip()


def _is_plain(written: str) -> bool:
    """Whether a number is one outside of Python too, which reads over _ and takes the digits of every script."""
    return written.isascii() and "_" not in written


def _finite(written: str) -> float | None:
    try:
        number = float(written) if _is_plain(written) else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _date(written: str) -> str:
    try:
        return f"{datetime.strptime(written.strip(), '%Y-%m-%d').replace(tzinfo=UTC):%Y-%m-%d}"
    except ValueError:
        raise FieldError(1205, f"Invalid Date Format - length must be 10 or more: {written[:20]}") from None


def _timestamp(written: str, command: CopyCommand) -> str:
    form = command.timeformat
    if form in ("epochsecs", "epochmillisecs"):
        number = _finite(written)
        if number is None:
            raise FieldError(1206, f"Invalid timestamp format or value [{form}]")
        milliseconds = int(number if form == "epochmillisecs" else number * 1000)
        try:
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
        except OverflowError:
            raise FieldError(1206, f"Invalid timestamp format or value [{form}]") from None
        return f"{moment:%Y-%m-%d %H:%M:%S.%f}"
    if form not in _DEFAULT_TIMEFORMATS:
        raise NotInStandIn(f"TIMEFORMAT {form!r}")
    text = written.strip()
    if form == "auto":
        text = text.replace("T", " ").removesuffix("Z")
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?", text):
        raise FieldError(1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]")
    return text


def _as_json(value: Any) -> str:
    """JSON with numbers as they were written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{_as_json(item)}" for key, item in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(_as_json(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
