"""What a command holds while it writes."""

from __future__ import annotations


class RunLock:
    """The lock that a command holds while it writes. On DuckDB it is only the file lock, which cannot be lost.

    token identifies the holder in the warehouse; a transaction that finds another token there must not commit.
    """

    token = ""

    def check(self) -> None:
        """Raise a PipelineError if the lock was lost."""
