"""Which files `--reload` means, and which must be loaded again with them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pipeline.display import first_of
from pipeline.errors import DataError, UsageError
from pipeline.ledger import CHANGED, LOADED, LedgerEntry
from pipeline.listing import SourceFile
from pipeline.settings import LoadOptions


def named_files(source: str, files: list[SourceFile], options: LoadOptions) -> frozenset[str]:
    """The keys that options.reload names: each a key, a folder of keys, or a path or an address that leads to one.

    Raises:
        UsageError: no file of the source is meant.
    """
    keys = [file.key for file in files]
    named: set[str] = set()
    for text in options.reload:
        if text == CHANGED:
            continue
        found = _keys_of(source, text, keys)
        # A comma separates names, and may be part of one.
        for part in [] if found else [part.strip() for part in text.split(",") if part.strip()]:
            if not (of_part := _keys_of(source, part, keys)):
                narrowed = "" if options.is_whole else ", or it is in a part of it that this load leaves out"
                raise UsageError(
                    f"--reload {part}: {source} has no such file{narrowed}. Name it as it is called below its source, "
                    "such as log_data/2018/11/2018-11-01-events.json."
                )
            found += of_part
        named.update(found)
    return frozenset(named)


def files_of_their_loads(
    source: str, files: list[SourceFile], ledger: dict[str, LedgerEntry], named: frozenset[str], flags: str
) -> frozenset[str]:
    """The other files that were loaded together with those that are named.

    Redshift's rows know their load and not their file: to take a file's rows away, those of its whole load must go.

    Raises:
        DataError: one of them is no longer in the source.
    """
    loads = {ledger[key].load_id for key in named if key in ledger and ledger[key].status == LOADED}
    others = {key for key, entry in ledger.items() if entry.status == LOADED and entry.load_id in loads} - named
    again = " && ".join(f"./inv load.{task} {load}{flags}" for load in sorted(loads) for task in ("undo", "redo"))
    if gone := sorted(others - {file.key for file in files}):
        raise DataError(
            f"On Redshift a row does not know its file, so --reload takes all files of load {', '.join(sorted(loads))} "
            f"again, and of these {source} has no longer, or this load leaves out: {first_of(gone)}. Nothing was "
            f"loaded. Put them back; or do without them, with: {again}"
        )
    return frozenset(others)


def _keys_of(source: str, text: str, keys: list[str]) -> list[str]:
    for name in _names(source, text):
        if found := [key for key in keys if key == name or key.startswith(f"{name}/")]:
            return found
    return []


def _names(source: str, text: str) -> Iterator[str]:
    """What a file may be called below its source, if that is what the text means."""
    yield text
    yield str(PurePosixPath(text))
    yield text.removeprefix(f"{source}/")
    if not source.startswith("s3://"):
        path = Path(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111 - a link must stay one
        for place in (path, path.resolve()):
            if place.is_relative_to(source):
                yield place.relative_to(source).as_posix()
