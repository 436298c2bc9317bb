"""What wraps every task: an error becomes one message, a signal one line, a closed pipe a quiet end."""

from __future__ import annotations

import functools
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from invoke import Config, Context
from invoke.exceptions import Exit

from infra.errors import InfraError
from pipeline.console.file_faults import file_fault
from pipeline.errors import ExitCode, MachineError, PipelineError
from pipeline.foreign_text import message_of, print_traceback, printable
from pipeline.interrupts import received_signal, stop_on_signals
from pipeline.settings import Settings, read_settings

_INTERRUPTED = "Committed work is kept. Run it again to finish."
_SIGNAL_CODE = 128  # a shell's code for a command that a signal ended is this and the signal's number


def command(body: Callable[..., int | None], *, interrupted: str = _INTERRUPTED) -> Callable[..., None]:
    """Run a task's body; its exit code is what it returns, an error's own code, or that of a signal."""

    @functools.wraps(body)
    def wrapper(*arguments: Any, **flags: Any) -> None:
        stop_on_signals()
        sys.excepthook = print_traceback
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a letter gets its code
        with readable_to_the_end():
            try:
                code = body(*arguments, **flags)
            except BrokenPipeError:
                raise
            except (Exception, KeyboardInterrupt) as error:
                if received_signal():
                    # If the signal came while a library ran generated code, as dataclasses do, Python would end by the
                    # signal. Running more generated code clears that.
                    exec("")  # noqa: S102
                    raise Exit(f"Interrupted. {interrupted}", code=_SIGNAL_CODE + received_signal()) from None
                if isinstance(error, PipelineError | InfraError):
                    raise Exit(f"Error: {message_of(error)}", code=error.exit_code) from None
                if fault := file_fault(error):
                    raise Exit(f"Error: {message_of(fault)}", code=MachineError.exit_code) from None
                raise
        if code:
            raise Exit(code=code)

    return wrapper


@contextmanager
def readable_to_the_end() -> Iterator[None]:
    """End quietly when the reader of standard output has seen enough, as in: ./inv query … | head."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Exit(code=ExitCode.OK) from None


def fail(text: str) -> NoReturn:
    raise Exit(f"Error: {printable(text)}", code=ExitCode.FAILED)


def settings_of(context: Context, *, target: str = "", database: str = "", source: str = "") -> Settings:
    """The settings of Invoke's context with a task's flags in their place."""
    return read_settings(values_of(context.config), target=target or "", database=database or "", source=source or "")


def values_of(config: Config) -> dict[str, Any]:
    """Invoke's configuration as a dictionary, which it resembles but is not."""
    return dict(config.items())
