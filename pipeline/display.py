"""What a command shows: steps while it works (a live bar in a terminal, plain lines elsewhere), tables at its end.

All of it is text: nothing in a name or a value is taken for markup or reaches the terminal as an escape.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from pipeline.foreign_text import as_json, printable


@dataclass
class Step:
    """One step of a command. seconds is set when it has ended; summary is what it says of itself then."""

    name: str
    seconds: float = 0.0
    summary: str = ""


class Display:
    """Shows steps on standard error and remembers them."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(file=sys.stderr, highlight=False)
        self.quiet = quiet
        self.steps: list[Step] = []
        self._live: tuple[Progress, TaskID] | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show a step while it runs, and one line with its summary and time when it has succeeded."""
        step = Step(name)
        began = time.perf_counter()
        if not self.quiet and self.console.is_terminal:
            progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[counter]}"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[what]}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
                console=self.console,
                transient=True,
                expand=True,
            )
            with progress:
                self._live = (progress, progress.add_task(f"{name:<8}", total=None, counter="", what=""))
                try:
                    yield step
                finally:
                    self._live = None
        else:
            yield step
        step.seconds = time.perf_counter() - began
        self.steps.append(step)
        self._print(("✓", "green"), f" {name:<8} {step.seconds:6.1f} s  {printable(step.summary)}")

    def progress(self, done: int, total: int, what: str) -> None:
        """Show how far the current step is, or, with a total of 0, what it is at. May be called from another thread."""
        if self._live:
            progress, task = self._live
            counter = f"{done:,}/{total:,}" if total else ""
            progress.update(task, completed=done, total=total or None, counter=counter, what=printable(what))

    def say(self, text: str) -> None:
        self._print(printable(text))

    def warn(self, text: str) -> None:
        """Print a warning, also where all else is quiet."""
        self.console.print(Text.assemble(("Warning:", "yellow"), f" {printable(text)}"), soft_wrap=True)

    def _print(self, *parts: str | tuple[str, str]) -> None:
        if not self.quiet:
            self.console.print(Text.assemble(*parts), soft_wrap=True)


def shown(path: Path | str) -> str:
    """A path as a person here would write it: without the part that leads to where one is."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else str(path)


def first_of(names: Sequence[str], most: int = 5) -> str:
    """The first names of a list, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if names[most:] else "")


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def print_text(*lines: str, file: TextIO | None = None) -> None:
    """Print lines on standard output, or on another stream; a line break within one of them is foreign."""
    print("\n".join(map(printable, lines)), file=file, flush=True)


def print_json(value: Any) -> None:
    """Print exact data on standard output."""
    print(as_json(value))


class TextTable(Table):
    """A table whose cells are text: Rich takes a plain string for markup."""

    def add_row(self, *cells: str | Text) -> None:
        super().add_row(*(Text(printable(cell)) if isinstance(cell, str) else cell for cell in cells))


def simple_table() -> TextTable:
    return TextTable(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")


def table_width(table: Table) -> int:
    """Columns of a terminal that a table needs if nothing in it is folded."""
    return Console(width=10_000).measure(table).maximum


def print_table(table: Table) -> None:
    """Print a table on standard output as wide as it needs to be, without the blanks around it."""
    console = Console(highlight=False, width=10_000)
    with console.capture() as captured:
        console.print(table)
    lines = [line.removeprefix(" ").rstrip() for line in captured.get().split("\n")]
    print("\n".join(lines).strip("\n"))
