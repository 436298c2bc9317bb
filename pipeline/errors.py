"""Errors that the user can fix, and the exit codes of all commands; any other exception is a bug.

The command line prints their text and exits with their code. docs/exit_codes.md explains the codes to users.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes. infra/errors.py and door/environment.py, which may not import this, use the same numbers."""

    OK = 0
    FAILED = 1
    USAGE = 2
    DATA = 3
    TESTS = 4
    ENVIRONMENT = 5
    INTERRUPTED = 130
    TERMINATED = 143


class PipelineError(Exception):
    """What is wrong, where, and what to do about it: each argument is a line.

    A line break within an argument comes from outside, such as from a file name, and is shown as an escape.
    """

    exit_code = ExitCode.FAILED

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


class UsageError(PipelineError):
    """The command was called, or is set up, in a way that cannot work."""

    exit_code = ExitCode.USAGE


class DataError(PipelineError):
    """The source contains something that cannot be loaded: a bad record, or a file changed since it was loaded."""

    exit_code = ExitCode.DATA


class FailedTestsError(PipelineError):
    """Data tests failed on what was built."""

    exit_code = ExitCode.TESTS


class MachineError(PipelineError):
    """A problem of the environment: a file, the disk, permissions, the network, a missing tool."""

    exit_code = ExitCode.ENVIRONMENT
