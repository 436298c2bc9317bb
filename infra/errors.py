"""Errors that an operator can act on. tasks.py prints their text and exits with their code; anything else is a bug.

The exit codes match pipeline/errors.py, which infra does not import.
"""

DRIFT = 3


class InfraError(Exception):
    """The message says what is wrong, where, and what to do."""

    exit_code = 1


class InfraUsageError(InfraError):
    """The command line or a setting is wrong."""

    exit_code = 2


class InfraAccessError(InfraError):
    """AWS is unreachable, or the credentials are missing, expired or lack a permission."""

    exit_code = 5
