"""Failures that an operator can do something about. tasks.py prints their text and exits; anything else is a bug."""


class InfraError(Exception):
    """What is wrong, where, and what to do about it."""

    exit_code = 1


class InfraUsageError(InfraError):
    """The command was called, or is set up, in a way that cannot work."""

    exit_code = 2
