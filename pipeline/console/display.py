"""What a command shows: steps while it works (a live bar in a terminal, plain lines elsewhere), tables at its end.

All of it is text: nothing in a name or a value is taken for markup or reaches the terminal as an escape.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.style import StyleType
from rich.table import Column, Table
from rich.text import Text

from pipeline.foreign_text import as_json, printable

_COLOUR = "cyan"  # Rich's own bars are near to red
_NARROW = 60  # columns; a narrower terminal gets a shorter bar
_ESTIMATED_AFTER = 3.0  # seconds


@dataclass
class Step:
    """One step of a command. seconds is set when it has ended; summary is what it reports then."""

    name: str
    seconds: float = 0.0
    summary: str = ""


class Display:
    """Shows steps on standard error and remembers them."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(file=sys.stderr, highlight=False)
        self.quiet = quiet
        self.steps: list[Step] = []
        # With FORCE_COLOR Rich takes a pipe for a terminal, which is right for colours only.
        self._is_terminal = sys.stderr.isatty() and not self.console.is_dumb_terminal
        self._live: tuple[Progress, TaskID] | None = None
        self._pace = _Pace({})

    def expect(self, shares: Mapping[str, float]) -> None:
        """Let the bar stand for the whole command: its steps, in their order, and how long each usually takes."""
        self._pace = _Pace(shares)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Show a step while it runs, and one line with its summary and time when it has succeeded."""
        step = Step(name)
        began = time.perf_counter()
        self._pace.begin(name)
        if self._is_terminal and not self.quiet:
            with self._bar() as bar:
                self._live = (bar, bar.add_task(f"{name:<8}", total=1, pace=self._pace, counter="", what=""))
                self._advance()
                try:
                    yield step
                finally:
                    self._live = None
        else:
            yield step
        step.seconds = time.perf_counter() - began
        self.steps.append(step)
        self._print_step(step)

    def progress(self, done: int, total: int, what: str) -> None:
        """Show how far the current step is, or, with a total of 0, what it is at. May be called from another thread."""
        self._pace.advance(done / total if total else 0)
        self._advance(counter=f"{done:,}/{total:,}" if total else "", what=printable(what))

    def say(self, text: str) -> None:
        self._print(printable(text))

    def warn(self, text: str) -> None:
        """Print a warning, also where all else is quiet."""
        self.console.print(Text.assemble(("Warning:", "yellow"), f" {printable(text)}"), soft_wrap=True)

    def _bar(self) -> Progress:
        is_narrow = self.console.width < _NARROW
        columns = [
            SpinnerColumn(style=_COLOUR),
            TextColumn("{task.description}"),
            BarColumn(
                bar_width=8 if is_narrow else 20,
                complete_style=_COLOUR,
                finished_style=_COLOUR,
                pulse_style=_COLOUR,
            ),
            *([] if is_narrow else [TextColumn("{task.fields[counter]}")]),
            TextColumn("{task.fields[pace]}"),
            TextColumn(" {task.fields[what]}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
        ]
        return Progress(*columns, console=self.console, transient=True, expand=True)

    def _advance(self, **fields: Any) -> None:
        if self._live:
            bar, task = self._live
            bar.update(task, completed=self._pace.fraction, total=1 if self._pace.fraction else None, **fields)

    def _print_step(self, step: Step) -> None:
        before = f" {step.name:<8} {step.seconds:6.1f} s  "
        lines = [printable(step.summary)]
        if self._is_terminal:
            width = max(self.console.width - len(before) - 1, 10)
            lines = textwrap.wrap(lines[0], width, break_long_words=False, break_on_hyphens=False)
        self._print(("✓", "green"), before + f"\n {' ' * len(before)}".join(lines))

    def _print(self, *parts: str | tuple[str, str]) -> None:
        if not self.quiet:
            self.console.print(Text.assemble(*parts), soft_wrap=True)


class _Pace:
    """How far a command is, by the shares that its steps usually have of its time; without shares, how far a step is.

    fraction is from 0 to 1. It does not fall where a step comes more than once.
    """

    def __init__(self, shares: Mapping[str, float]) -> None:
        self.shares = shares
        self.began = time.monotonic()
        self.fraction = 0.0
        self._before, self._share = 0.0, 1.0

    def begin(self, step: str) -> None:
        if not self.shares:
            self.began, self.fraction = time.monotonic(), 0.0
        elif step in self.shares:
            names, total = list(self.shares), sum(self.shares.values())
            self._before = sum(self.shares[name] for name in names[: names.index(step)]) / total
            self._share = self.shares[step] / total
            self.advance(0)

    def advance(self, of_step: float) -> None:
        self.fraction = max(self.fraction, self._before + self._share * of_step)

    def __str__(self) -> str:
        seconds = time.monotonic() - self.began
        if seconds < _ESTIMATED_AFTER or self.fraction < 0.05:
            return _minutes(seconds)
        return f"{_minutes(seconds)}, about {_minutes(seconds * (1 / self.fraction - 1))} left"


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


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

    def add_row(self, *cells: RenderableType | None, style: StyleType | None = None, end_section: bool = False) -> None:
        texts = (Text(printable(cell)) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*texts, style=style, end_section=end_section)


def simple_table() -> TextTable:
    return TextTable(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")


def print_table(table: Table) -> None:
    """Print a table on standard output, on a terminal that is less wide than the table one value a line."""
    console = Console(highlight=False, width=10_000)
    if sys.stdout.isatty() and console.measure(table).maximum > shutil.get_terminal_size().columns:
        _print_records(table)
        return
    with console.capture() as captured:
        console.print(table)
    lines = [line.removeprefix(" ").rstrip() for line in captured.get().split("\n")]
    print("\n".join(lines).strip("\n"))


def _print_records(table: Table) -> None:
    names = [str(column.header) for column in table.columns]
    width = max(map(len, names))
    for number, row in enumerate(zip(*(column.cells for column in table.columns), strict=True), start=1):
        print_text(f"── {number} ──")
        for name, value in zip(names, row, strict=True):
            print_text(f"{name:<{width}}  {value}")
