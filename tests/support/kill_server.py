"""Runs commands of the project in children that it forks and kills: python kill_server.py, from the project's root.

It imports everything and parses the project once, opens no database and starts no thread, so that a fork is as good as
a process of its own. A child then does what `./inv run` does, and dies by SIGKILL at an instant that was asked for:
before its n-th statement or change of a file, or after some seconds. A line of JSON on standard input asks, another one
answers.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import signal
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path.cwd()
sys.path.insert(0, str(ROOT))

import dbt.adapters.duckdb.environments.local  # noqa: E402
import dbt.adapters.redshift  # noqa: E402
import dbt.cli.main  # noqa: E402
import duckdb  # noqa: E402
import quick_dbt  # noqa: E402, F401
import redshift_connector  # noqa: E402

import pipeline.run.rebuild  # noqa: E402
import pipeline.run.run  # noqa: E402
import pipeline.run.undo  # noqa: E402
import pipeline.site.report.build  # noqa: E402
import pipeline.warehouse.reset  # noqa: E402
from pipeline.console.display import Display  # noqa: E402
from pipeline.dbt.runner import Dbt  # noqa: E402
from pipeline.errors import PipelineError  # noqa: E402
from pipeline.settings import LoadOptions, Settings, read_settings  # noqa: E402

WRITES = os.O_WRONLY | os.O_RDWR
FILE_EVENTS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.copyfile")


class Shared:
    """What the child tells while it lives: how many instants have passed, and the step that it is in."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 64)
        self._lock = threading.Lock()
        self.set_step("Start")

    def set_step(self, name: str) -> None:
        self._memory[8:40] = name.encode().ljust(32)

    def count(self) -> int:
        with self._lock:
            self._memory[:8] = struct.pack("q", self.instants + 1)
            return self.instants

    @property
    def instants(self) -> int:
        return struct.unpack("q", self._memory[:8])[0]

    @property
    def step(self) -> str:
        return self._memory[8:40].decode().strip()


def answer(request: dict[str, Any], parsed: Any) -> dict[str, Any]:
    shared = Shared()
    began = time.monotonic()
    child = os.fork()
    if not child:
        os._exit(_child(request, parsed, shared))
    if request.get("seconds") is not None:
        handle = os.pidfd_open(child)
        if not select.select([handle], [], [], request["seconds"])[0]:
            os.kill(child, signal.SIGKILL)
        os.close(handle)
    _, status = os.waitpid(child, 0)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "instants": shared.instants,
        "step": shared.step,
        "duration": time.monotonic() - began,
        "said": Path(request["said"]).read_text(errors="replace"),
    }


def _child(request: dict[str, Any], parsed: Any, shared: Shared) -> int:
    said = os.open(request["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    try:
        settings = _settings(request)
        _hook(settings, shared, request.get("instant"))
        if not request.get("is_whole"):
            _leave_out_what_reads(parsed)
        display = Display(quiet=True)
        display.step = _telling(display.step, shared)
        _act(request, settings, display)
    except PipelineError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    except BaseException:
        traceback.print_exc()
        return 70
    return 0


def _act(request: dict[str, Any], settings: Settings, display: Display) -> None:
    if request["command"] == "load.undo":
        pipeline.run.undo.undo(settings, request["load_id"], display)
    else:
        report = pipeline.run.run.run(settings, LoadOptions.from_flags(reload=request.get("reload", ())), display)
        print(f"built: {report.built}", flush=True)  # the child ends without Python's own end


def _settings(request: dict[str, Any]) -> Settings:
    return read_settings(
        {
            "target": request["target"],
            "database": "sparkify.duckdb",
            "source": request["source"],
            "file_names": "",
            "redshift": {name: os.environ.get(f"INVOKE_REDSHIFT_{name.upper()}", "") for name in BUCKET_AND_ROLE},
            "docs": {"port": 8080},
        }
    )


BUCKET_AND_ROLE = ("bucket", "copy_role_arn")


def _telling(step: Callable[[str], Any], shared: Shared) -> Callable[[str], Any]:
    def told(name: str) -> Any:
        shared.set_step(name)
        return step(name)

    return told


def _leave_out_what_reads(parsed: Any) -> None:
    """Data tests, docs and report read only, take most of the time, and have tests of their own: pages become empty."""

    def page(_settings: Settings, *_: Any, **__: Any) -> Path:
        path = _settings.docs_page.with_name(names.pop(0))
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
        return path

    names = ["index.html", "report.html"]
    pipeline.run.rebuild.generate = lambda *_, **__: None
    pipeline.run.rebuild.build_site = page
    pipeline.site.report.build.build_report = page
    pipeline.run.rebuild.run_data_tests = lambda *_: 0
    Dbt.parse = lambda self: setattr(self, "_manifest", parsed) or parsed


def _hook(settings: Settings, shared: Shared, instant: int | None) -> None:
    """Count what is sent to the engine and what is changed in files, and die before the instant that is asked for."""

    def pass_instant() -> None:
        if shared.count() == instant:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            pass_instant()
            return method(*arguments, **named)

        return call

    cursor = dbt.adapters.duckdb.environments.local.DuckDBCursorWrapper
    cursor.execute = counted(cursor.execute)
    duckdb.connect = counted(duckdb.connect)
    redshift_connector.Cursor.execute = counted(redshift_connector.Cursor.execute)

    folder = str(settings.state_folder.resolve().parent)
    ignored = tuple(str(ROOT / name) for name in ("logs", "target", ".sparkify/dbt"))

    def on_event(name: str, arguments: tuple[Any, ...]) -> None:
        if name == "open":
            path, _, flags = arguments
            if not isinstance(path, str | os.PathLike) or not flags & WRITES:
                return
        elif name in FILE_EVENTS:
            path = arguments[0]
        else:
            return
        path = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
        if path.startswith(folder) and not path.startswith(ignored):
            pass_instant()

    sys.addaudithook(on_event)


def main() -> None:
    requests = map(json.loads, sys.stdin)
    first = next(requests)
    os.environ["DBT_TARGET_PATH"] = str(ROOT / "target")
    parsed = Dbt(_settings(first)).parse()
    assert threading.active_count() == 1, "a fork would lose threads"
    print(json.dumps({"ready": True}), flush=True)
    for request in requests:
        print(json.dumps(answer(request, parsed)), flush=True)


if __name__ == "__main__":
    main()
