"""Which files `--reload` names, and which must be loaded again with them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pipeline.console.display import first_of
from pipeline.errors import DataError, UsageError
from pipeline.settings import LoadOptions
from pipeline.source.listing import SourceFile
from pipeline.warehouse.ledger import CHANGED, LOADED, LedgerEntry


def named_files(source: str, files: list[SourceFile], options: LoadOptions) -> frozenset[str]:
    """The keys that options.reload names, each by a key, a folder of keys, or a path or address of either.

    Raises:
        UsageError: a name matches no file of the source.
    """
    keys = [file.key for file in files]
    named: set[str] = set()
    for text in options.reload:
        if text == CHANGED:
            continue
        found = _keys_of(source, text, keys)
        # A comma may separate names or be part of one.
        for part in [] if found else [part.strip() for part in text.split(",") if part.strip()]:
            if not (of_part := _keys_of(source, part, keys)):
                narrowed = (
                    "" if options.is_whole else ", or this load does not cover it (--only, --song-prefix, --sample)"
                )
                raise UsageError(
                    f"--reload {part}: {source} has no such file{narrowed}. Pass its path below the source, such as "
                    "log_data/2018/11/2018-11-01-events.json."
                )
            found += of_part
        named.update(found)
    return frozenset(named)


def files_of_their_loads(
    source: str, files: list[SourceFile], ledger: dict[str, LedgerEntry], named: frozenset[str], flags: str
) -> frozenset[str]:
    """The other files that were loaded together with the named ones.

    Redshift rows record their load but not their file, so a file's rows can only be deleted with its whole load.

    Raises:
        DataError: one of them is no longer in the source.
    """
    loads = {ledger[key].load_id for key in named if key in ledger and ledger[key].status == LOADED}
    others = {key for key, entry in ledger.items() if entry.status == LOADED and entry.load_id in loads} - named
    again = " && ".join(f"./inv load.{task} {load}{flags}" for load in sorted(loads) for task in ("undo", "redo"))
    if gone := sorted(others - {file.key for file in files}):
        noun = "load" if len(loads) == 1 else "loads"
        raise DataError(
            f"Redshift rows do not record their file, so --reload needs every file of {noun} "
            f"{', '.join(sorted(loads))}, but {source} lacks, or this load does not cover: {first_of(gone)}. "
            f"Nothing was loaded. Put them back, or load without them with: {again}"
        )
    return frozenset(others)


def _keys_of(source: str, text: str, keys: list[str]) -> list[str]:
    for name in _names(source, text):
        if found := [key for key in keys if key == name or key.startswith(f"{name}/")]:
            return found
    return []


def _names(source: str, text: str) -> Iterator[str]:
    """The possible paths below the source that the text may stand for."""
    yield text
    yield str(PurePosixPath(text))
    yield text.removeprefix(f"{source}/")
    if not source.startswith("s3://"):
        path = Path(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111 - keeps links
        for place in (path, path.resolve()):
            if place.is_relative_to(source):
                yield place.relative_to(source).as_posix()
