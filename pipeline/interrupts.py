"""Whether this command was told to stop: dbt, DuckDB and the drivers turn a signal into their own errors."""

from __future__ import annotations

import signal
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OF_LOCKS = ("multiprocessing.synchronize", "multiprocessing.util", "multiprocessing.resource_tracker")
_received = 0


def stop_on_signals() -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal raise KeyboardInterrupt, unless nohup or a shell ignores them."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def received_signal() -> int:
    """The number of the signal that this command received; 0 if none."""
    return _received


def stop_if_interrupted() -> None:
    """Raise KeyboardInterrupt after a signal. Call this wherever errors of libraries are caught."""
    if _received:
        raise KeyboardInterrupt


def _stop(number: int, frame: FrameType | None) -> None:
    global _received
    _received = number
    if not _is_in_clean_up(frame):
        raise KeyboardInterrupt


def _is_in_clean_up(frame: FrameType | None) -> bool:
    """Whether dbt is creating or removing its locks. An error there would be lost; stop_if_interrupted follows soon."""
    while frame:
        if frame.f_globals.get("__name__") in _OF_LOCKS:
            return True
        frame = frame.f_back
    return False
