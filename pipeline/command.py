"""What every task has around its body: errors as one message, Ctrl-C as one line, a closed pipe as the end."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from invoke.exceptions import Exit

from pipeline.errors import PipelineError
from pipeline.foreign_text import message_of, print_traceback, printable
from pipeline.settings import Settings, read_settings

_INTERRUPTED = "What was committed stays; run it again to finish."
_was_interrupted = False


def command(
    body: Callable[..., int | None], *, errors: type[Exception] = PipelineError, interrupted: str = _INTERRUPTED
) -> Callable[..., None]:
    """Run a task's body; its exit code is what it returns, an error's own code, or 130 after Ctrl-C.

    errors are those that are meant for the user, and carry an exit_code.
    """

    @functools.wraps(body)
    def wrapper(*arguments: Any, **flags: Any) -> None:
        if {"--help", "-h"}.intersection(map(str, flags.values())):  # Invoke takes it for a word that is missing
            raise Exit(f"Error: help is before the task: ./inv --help {body.__name__.replace('_', '.')}", code=2)
        signal.signal(signal.SIGINT, _interrupt)
        sys.excepthook = print_traceback
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter gets its code
        try:
            code = body(*arguments, **flags)
            sys.stdout.flush()
        except BrokenPipeError:
            # Who read the output has seen enough, as in: ./inv query … | head
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        except (Exception, KeyboardInterrupt) as error:
            if _was_interrupted:
                # Python ends by the signal if that came while a library had code made from text, as dataclasses do.
                # It forgets so when the next text is run.
                exec("")  # noqa: S102
                raise Exit(f"Interrupted. {interrupted}", code=130) from None
            if isinstance(error, errors):
                raise Exit(f"Error: {message_of(error)}", code=error.exit_code) from None
            raise
        if code:
            raise Exit(code=code)

    return wrapper


def fail(text: str) -> NoReturn:
    raise Exit(f"Error: {printable(text)}", code=1)


def settings_of(context: Any, *, target: str = "", database: str = "", source: str = "") -> Settings:
    """The settings of Invoke's context with a task's flags in their place."""
    return read_settings(context.config, target=target or "", database=database or "", source=source or "")


def stop_if_interrupted() -> None:
    """Raise KeyboardInterrupt after Ctrl-C; dbt and DuckDB turn it into errors of their own."""
    if _was_interrupted:
        raise KeyboardInterrupt


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    global _was_interrupted
    _was_interrupted = True
    raise KeyboardInterrupt
