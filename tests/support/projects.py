"""Copies of the project, in which commands run as a user runs them."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import termios
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duckdb_file import rows
from records import make_event, make_song

from pipeline.settings import PROJECT_ROOT

REAL_DATA = PROJECT_ROOT.parent / "shared" / "data" / "real"


@dataclass(frozen=True)
class Project:
    """A copy of the project, in which commands run as a user would run them."""

    root: Path

    def invoke(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "tasks.py", *arguments, **environment)

    def dbt(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(Path(sys.executable).with_name("dbt")), *arguments, **environment)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.root,
            env={**clean_environment(), **environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def on_terminal(self, *arguments: str, columns: int, **environment: str) -> str:
        """All that a command writes to a terminal of this width, escapes included."""
        kept = {name: value for name, value in clean_environment().items() if name != "COLUMNS"}  # xdist sets it
        terminal, end = pty.openpty()
        termios.tcsetwinsize(end, (24, columns))
        process = subprocess.Popen(
            (sys.executable, "tasks.py", *arguments),
            cwd=self.root,
            env={"TERM": "xterm-256color", **kept, **environment},
            stdin=end,
            stdout=end,
            stderr=end,
        )
        os.close(end)
        written = b""
        with suppress(OSError):  # the end of what is written, on Linux
            while part := os.read(terminal, 65536):
                written += part
        os.close(terminal)
        assert process.wait() == 0, written.decode()
        return written.decode()

    @property
    def database(self) -> Path:
        return self.root / "sparkify.duckdb"

    def rows(self, sql: str, database: Path | None = None) -> list[tuple[Any, ...]]:
        return rows(database or self.database, sql)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would point a command elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SPARKIFY_", "INVOKE_", "DBT_"))}


def a_copy(project: Project, folder: Path) -> Project:
    return Project(Path(shutil.copytree(project.root, folder / "copy")))


def source_with_one_play(folder: Path) -> Path:
    for name, record in {"log_data/1.json": make_event(), "song_data/A/1.json": make_song()}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(record))
    return folder


def source_beside(project: Project) -> Path:
    """Where a project of the fixture `played` has its source."""
    return project.root.with_name("source")
