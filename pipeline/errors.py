"""Failures that the user can do something about. tasks.py prints their text and exits; anything else is a bug."""


class PipelineError(Exception):
    """What is wrong, where, and what to do about it: each argument is a line.

    A line break within an argument is foreign, such as one in a file's name, and is shown as an escape.
    """

    exit_code = 1

    def __str__(self) -> str:
        return "\n".join(map(str, self.args))


class UsageError(PipelineError):
    """The command was called, or is set up, in a way that cannot work."""

    exit_code = 2
