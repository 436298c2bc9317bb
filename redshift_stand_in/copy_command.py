"""The COPY statement for JSON and for text with a delimiter, read into one object. No option is passed over."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from redshift_stand_in.errors import NotInStandIn, RedshiftError
from redshift_stand_in.tokens import Token, closing, word_at

MAXERROR_LIMIT = 100_000
COMPROWS_LIMIT = 2_147_483_647
_NOT_WITH_JSON = {
    "csv", "delimiter", "escape", "fillrecord", "fixedwidth", "ignoreblanklines", "null", "readratio", "removequotes",
    "quote",
}  # fmt: skip
_NOT_HERE = {
    "avro", "orc", "parquet", "shapefile", "ssh", "encrypted", "master_symmetric_key", "lzop",
    "explicit_ids", "ignoreheader", "ignoreallerrors", "encoding", "blanksasnull", "dateformat", "acceptanydate",
    "job",
}  # fmt: skip
_KEYS = {"access_key_id", "secret_access_key", "session_token", "credentials", "with"}


@dataclass(frozen=True)
class CopyCommand:
    """columns is empty where there is no list: then they are the table's. json is auto, auto ignorecase or a URI.

    Without is_json the data is lines of text, whose fields the delimiter separates.
    """

    table: str
    columns: tuple[str, ...] = ()
    location: str = ""
    iam_role: str = ""
    region: str = ""
    json: str = "auto"
    is_json: bool = False
    delimiter: str = ""
    ignoreblanklines: bool = False
    manifest: bool = False
    compression: str = ""
    noload: bool = False
    truncatecolumns: bool = False
    trimblanks: bool = False
    emptyasnull: bool = False
    roundec: bool = False
    acceptinvchars: str = ""
    timeformat: str = ""
    maxerror: int = 0


def parse_copy(tokens: Sequence[Token]) -> CopyCommand:
    """Read a COPY from its tokens, spaces left out.

    Raises:
        RedshiftError: it is not well-formed, or says what JSON forbids.
    """
    reader = _Reader(tokens)
    reader.index = 1
    table = reader.name()
    while reader.take("."):
        table += "." + reader.name()
    command = CopyCommand(table, reader.column_list())
    reader.need("from")
    command = replace(command, location=reader.string())
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", command.location, re.DOTALL):
        raise NotInStandIn(f"COPY from {command.location!r}, which is not in S3")
    while not reader.at_end:
        command = _option(command, reader)
    if not command.iam_role:
        raise RedshiftError("Must specify a credentials argument, such as IAM_ROLE, for COPY from S3", sqlstate="42601")
    if command.is_json and (forbidden := sorted(reader.seen & _NOT_WITH_JSON)):
        raise RedshiftError(f"{forbidden[0].upper()} is not supported with JSON", sqlstate="0A000")
    if not command.is_json and not command.delimiter:
        raise NotInStandIn("COPY of anything but JSON, or text with DELIMITER")
    return command


def _option(command: CopyCommand, reader: _Reader) -> CopyCommand:
    word = reader.word()
    if word in _KEYS:
        raise RedshiftError("keys do not belong in SQL text: use IAM_ROLE", sqlstate="42501")
    if word in _NOT_WITH_JSON - _OPTIONS.keys():
        if command.is_json:
            raise RedshiftError(f"{word.upper()} is not supported with JSON", sqlstate="0A000")
        raise NotInStandIn(f"COPY with {word.upper()}")
    if word in _NOT_HERE:
        raise NotInStandIn(f"COPY with {word.upper()}")
    if word not in _OPTIONS:
        raise reader.unexpected()
    if word in reader.seen:
        raise RedshiftError("conflicting or redundant options", sqlstate="42601")
    reader.seen.add(word)
    return _OPTIONS[word](command, reader)


class _Reader:
    """Takes the statement's tokens one after the other."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.index = 0
        self.seen: set[str] = set()

    @property
    def at_end(self) -> bool:
        return self.index >= len(self.tokens)

    @property
    def last(self) -> Token:
        return self.tokens[self.index - 1]

    def next(self) -> Token:
        if self.at_end:
            raise RedshiftError("syntax error at end of input", sqlstate="42601")
        self.index += 1
        return self.last

    def word(self) -> str:
        return self.next().word

    def name(self) -> str:
        token = self.next()
        if token.kind not in ("name", "quoted"):
            raise self.unexpected()
        return f'"{token.value}"'

    def string(self) -> str:
        if self.next().kind != "string":
            raise self.unexpected()
        return self.last.value

    def number(self) -> int:
        if not self.next().text.isdecimal():
            raise self.unexpected()
        return int(self.last.text)

    def take(self, word: str) -> bool:
        if word_at(self.tokens, self.index) != word:
            return False
        self.index += 1
        return True

    def need(self, word: str) -> None:
        if self.next().word != word:
            raise self.unexpected()

    def optional_string(self) -> str | None:
        return self.string() if not self.at_end and self.tokens[self.index].kind == "string" else None

    def column_list(self) -> tuple[str, ...]:
        if not self.take("("):
            return ()
        end = closing(self.tokens, self.index - 1)
        columns = tuple(token.value for token in self.tokens[self.index : end] if token.word != ",")
        self.index = end + 1
        return columns

    def unexpected(self) -> RedshiftError:
        return RedshiftError(f'syntax error at or near "{self.last.text}"', sqlstate="42601")


def _iam_role(command: CopyCommand, reader: _Reader) -> CopyCommand:
    if reader.take("default"):
        return replace(command, iam_role="default")
    role = reader.string()
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", role):
        raise RedshiftError("Invalid credentials. Must be of the format: IAM_ROLE 'arn:aws:iam::<account>:role/<name>'")
    return replace(command, iam_role=role)


def _json(command: CopyCommand, reader: _Reader) -> CopyCommand:
    reader.take("as")
    form = reader.optional_string()
    form = "auto" if form is None else form
    if form == "noshred":
        raise NotInStandIn("JSON 'noshred'")
    if form not in ("auto", "auto ignorecase") and not form.startswith("s3://"):
        raise RedshiftError(f"invalid JSONPaths location {form!r}", sqlstate="22023")
    return replace(command, json=form, is_json=True)


def _format(command: CopyCommand, reader: _Reader) -> CopyCommand:
    reader.take("as")
    if not reader.at_end and reader.tokens[reader.index].word in _OPTIONS.keys() - {"json"}:
        raise reader.unexpected()
    return _option(command, reader)


def _maxerror(command: CopyCommand, reader: _Reader) -> CopyCommand:
    reader.take("as")
    number = reader.number()
    if number > MAXERROR_LIMIT:
        raise RedshiftError(f"MAXERROR must be between 0 and {MAXERROR_LIMIT}", sqlstate="22023")
    return replace(command, maxerror=number)


def _text(field: str) -> Callable[[CopyCommand, _Reader], CopyCommand]:
    def read(command: CopyCommand, reader: _Reader) -> CopyCommand:
        reader.take("as")
        return replace(command, **{field: reader.string()})

    return read


def _acceptinvchars(command: CopyCommand, reader: _Reader) -> CopyCommand:
    reader.take("as")
    character = reader.optional_string() or "?"
    if len(character) != 1 or not character.isascii() or character == "\0":
        raise RedshiftError("ACCEPTINVCHARS takes one ASCII character", sqlstate="22023")
    return replace(command, acceptinvchars=character)


def _delimiter(command: CopyCommand, reader: _Reader) -> CopyCommand:
    """One character, or its octal code."""
    reader.take("as")
    text = reader.string()
    if octal := re.fullmatch(r"'\\([0-7]{3})'", reader.last.text):
        text = chr(int(octal[1], 8))
    if len(text) != 1:
        raise NotInStandIn("a DELIMITER of several characters")
    return replace(command, delimiter=text)


def _switch(field: str) -> Callable[[CopyCommand, _Reader], CopyCommand]:
    return lambda command, _: replace(command, **{field: True})


def _compression(name: str) -> Callable[[CopyCommand, _Reader], CopyCommand]:
    def read(command: CopyCommand, _: _Reader) -> CopyCommand:
        if command.compression:
            raise RedshiftError("conflicting or redundant options", sqlstate="42601")
        return replace(command, compression=name)

    return read


def _change(*values: str) -> Callable[[CopyCommand, _Reader], CopyCommand]:
    """STATUPDATE and COMPUPDATE change no row."""

    def read(command: CopyCommand, reader: _Reader) -> CopyCommand:
        any(reader.take(value) for value in values)
        return command

    return read


def _comprows(command: CopyCommand, reader: _Reader) -> CopyCommand:
    if not 1000 <= reader.number() <= COMPROWS_LIMIT:
        raise RedshiftError(f"COMPROWS must be between 1000 and {COMPROWS_LIMIT}", sqlstate="22023")
    return command


_OPTIONS: dict[str, Callable[[CopyCommand, _Reader], CopyCommand]] = {
    "iam_role": _iam_role,
    "region": _text("region"),
    "json": _json,
    "format": _format,
    "maxerror": _maxerror,
    "timeformat": _text("timeformat"),
    "acceptinvchars": _acceptinvchars,
    "delimiter": _delimiter,
    "ignoreblanklines": _switch("ignoreblanklines"),
    "manifest": _switch("manifest"),
    "gzip": _compression("gzip"),
    "bzip2": _compression("bzip2"),
    "zstd": _compression("zstd"),
    "noload": _switch("noload"),
    "truncatecolumns": _switch("truncatecolumns"),
    "trimblanks": _switch("trimblanks"),
    "emptyasnull": _switch("emptyasnull"),
    "roundec": _switch("roundec"),
    "statupdate": _change("on", "off", "true", "false"),
    "compupdate": _change("on", "off", "true", "false", "preset"),
    "comprows": _comprows,
}
