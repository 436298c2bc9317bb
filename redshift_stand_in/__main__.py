"""Run the stand-in until Ctrl-C, and say how clients find it."""

from __future__ import annotations

import shlex
import signal
import sys
import threading

from redshift_stand_in import StandIn


def main() -> int:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopped.set())
    with StandIn() as stand_in:
        for name, value in stand_in.environment().items():
            print(f"export {name}={shlex.quote(value)}")
        print("ready: the Redshift stand-in listens on loopback until Ctrl-C", flush=True)
        stopped.wait()
    return 0


sys.exit(main())
