"""The checks that CI, the pre-commit hook and `./inv test` share."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from pipeline.console.display import print_text
from pipeline.dbt.environment import without_dbt_settings
from pipeline.errors import ExitCode, MachineError
from pipeline.settings import PROJECT_ROOT

TARGET_IN_MODEL = re.compile(r"\btarget\.|\badapter\.type\(")


def run_linters(*, fix: bool = False) -> int:
    """Run every check that needs no data; return 0 or the exit code of the last failure."""
    _need_development_tools()
    code = _targets_in_models()
    ruff = ["ruff", "check", *(["--fix"] if fix else []), "."]
    ruff_format = ["ruff", "format", *([] if fix else ["--check"]), "."]
    sqlfluff = ["sqlfluff", "fix" if fix else "lint", "--disable-progress-bar", "models", "analyses", "tests/dbt"]
    for name, command in (
        ("ruff", ruff),
        ("ruff format", ruff_format),
        ("types", ["mypy", "--cache-dir", os.devnull]),
        ("imports", ["lint-imports", "--no-cache", "--no-logo"]),
        ("sqlfluff", sqlfluff),
        ("deprecations", _deprecation_gate()),
    ):
        code = _step(name, command) or code
    return code


def run_tests(*, thorough: bool = False) -> int:
    """Run the linters, then pytest, which runs dbt's data and unit tests; return the exit code.

    A thorough run includes the tests that take minutes, and writes their counts to docs/promises.md.
    """
    code = run_linters()
    code = _step("pytest", ["pytest", *(["--thorough"] if thorough else [])]) or code
    return ExitCode.TESTS if code else ExitCode.OK


def run_stand_in() -> NoReturn:
    """Replace this process with the Redshift stand-in, which runs until a signal ends it and its children."""
    _need_development_tools()
    os.chdir(PROJECT_ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "redshift_stand_in"])  # noqa: S606


def _need_development_tools() -> None:
    missing = [name for name in ("mypy", "pytest", "ruff", "sqlfluff") if find_spec(name) is None]
    if missing:
        raise MachineError(f"Not installed: {', '.join(missing)}. Install the development tools with: ./inv lint")


def _deprecation_gate() -> list[str]:
    # Deprecations are checked for the redshift target only; parsing it needs no connection.
    return [
        "dbt", "--quiet", "--warn-error-options", '{"error": ["Deprecations"]}',
        "parse", "--no-partial-parse", "--target", "redshift",
    ]  # fmt: skip


def _targets_in_models() -> int:
    """Fail where a model switches on the engine; that belongs in macros/cross_db."""
    found = [
        f"{path.relative_to(PROJECT_ROOT)}:{number}: {line.strip()}"
        for path in sorted((PROJECT_ROOT / "models").rglob("*.sql"))
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1)
        if TARGET_IN_MODEL.search(line)
    ]
    for line in found:
        print_text(
            f"Models must not test for the engine; move this to a macro in macros/cross_db: {line}", file=sys.stderr
        )
    return 1 if found else 0


def _step(name: str, command: list[str]) -> int:
    print_text(f"── {name}")
    command = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
    # A check's dbt files stay apart from those of the user's commands.
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **without_dbt_settings(os.environ),
            "DBT_TARGET_PATH": str(Path(folder, "target")),
            "DBT_LOG_PATH": str(Path(folder, "logs")),
            "SPARKIFY_WORK_DATABASE": str(Path(folder, "lint.duckdb")),
        }
        with subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment) as process:  # noqa: S603
            try:
                return process.wait()
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)  # Ctrl-C reached it already, other signals did not
                process.wait()  # it cleans up
                raise
