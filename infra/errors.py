"""Failures that an operator can do something about. tasks.py prints their text and exits; anything else is a bug.

The exit codes are those of pipeline/errors.py, which this room does not import.
"""

DRIFT = 3


class InfraError(Exception):
    """What is wrong, where, and what to do about it."""

    exit_code = 1


class InfraUsageError(InfraError):
    """The command was called, or is set up, in a way that cannot work."""

    exit_code = 2


class InfraAccessError(InfraError):
    """AWS cannot be reached, or the credentials are missing, have expired, or do not permit it."""

    exit_code = 5
