"""Steps in the life of a DuckDB warehouse, each in a process forked from one that has dbt and the parsed project."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

from clocks import jumping

from pipeline import clock
from pipeline.settings import PROJECT_ROOT, LoadOptions, Settings

_CONTEXT = multiprocessing.get_context("forkserver")


def start_server() -> None:
    """Start what forks, once. It finds what it is to have ready by its environment, not by this process's sys.path."""
    _CONTEXT.set_forkserver_preload(["parsed_project"])
    with patch.dict(os.environ, PYTHONPATH=os.pathsep.join([str(PROJECT_ROOT), str(Path(__file__).parent)])):
        forkserver.ensure_running()


@dataclass(frozen=True)
class Life:
    """A warehouse that begins empty, and its source. The clock jumps between its loads."""

    folder: Path
    source: Path
    times: Iterator[datetime] = field(default_factory=jumping, compare=False)

    @property
    def settings(self) -> Settings:
        return Settings(
            target="duckdb",
            database=self.folder / "sparkify.duckdb",
            source=str(self.source),
            redshift_bucket="",
            copy_role_arn="",
            docs_port=0,
        )

    def load(self, **options: Any) -> str | None:
        """Load what is new; return the load's id, or None where nothing is."""
        return in_fork(_load, self.settings, LoadOptions.from_flags(**options), next(self.times))

    def build(self, *arguments: str) -> None:
        in_fork(_build, self.settings, arguments)

    def undo(self, load_id: str) -> None:
        """Take a load's rows away, and build nothing."""
        in_fork(_undo, self.settings, load_id)

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        return in_fork(_tables, self.settings)


def in_fork(step: Callable[..., Any], *arguments: Any) -> Any:
    """What a step returns in a process of its own; what it raises is raised here as its traceback."""
    start_server()
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_run, args=(sender, step, arguments))
    process.start()
    sender.close()
    try:
        went_well, value = receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"{step.__name__} ended with {process.exitcode}") from None
    process.join()
    if not went_well:
        raise RuntimeError(value)
    return value


def _run(sender: Connection, step: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        sender.send((True, step(*arguments)))
    except BaseException:
        sender.send((False, traceback.format_exc()))
    sender.close()
    os._exit(0)


def _load(settings: Settings, options: LoadOptions, time: datetime) -> str | None:
    from parsed_project import MANIFEST

    from pipeline.console.display import Display
    from pipeline.dbt.runner import Dbt
    from pipeline.load.load import load, plan_load

    clock.now = lambda: time
    settings.work_database.parent.mkdir(parents=True, exist_ok=True)
    plan = plan_load(settings, settings.source, options)
    if not plan.files:
        return None
    return load(settings, plan, Dbt(settings, MANIFEST), Display(quiet=True)).load_id


def _build(settings: Settings, arguments: tuple[str, ...]) -> None:
    from dbt.cli.main import dbtRunner
    from parsed_project import MANIFEST

    os.environ.update(settings.dbt_environment())
    built = dbtRunner(manifest=MANIFEST).invoke(
        [
            "build",
            *("--project-dir", str(PROJECT_ROOT), "--profiles-dir", str(PROJECT_ROOT), "--target", "duckdb"),
            *("--resource-type", "model", "--resource-type", "seed", "--threads", "1"),
            *("--log-level", "none", "--log-level-file", "none", "--no-write-json"),
            *arguments,
        ]
    )
    if not built.success:
        raise RuntimeError("\n".join(str(result.message) for result in built.result or []) or str(built.exception))


def _undo(settings: Settings, load_id: str) -> None:
    from parsed_project import MANIFEST

    from pipeline.console.display import Display
    from pipeline.dbt.runner import Dbt
    from pipeline.run.undo import take_away

    take_away(settings, load_id, Dbt(settings, MANIFEST), Display(quiet=True))


def _tables(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    from duckdb_file import tables

    return tables(settings.work_database)
