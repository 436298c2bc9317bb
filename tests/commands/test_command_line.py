"""What the command line says: every task's help, wrong calls, and the exit codes.

pytest -n 0 tests/commands/test_command_line.py --record writes the recorded outputs anew.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from projects import Project, source_beside
from records import make_event

import tasks
from door.program import SHORT_FLAGS, CommandLine
from infra import errors as infra_errors
from pipeline.errors import ExitCode, PipelineError
from pipeline.settings import PROJECT_ROOT
from pipeline.warehouse.sources import SAMPLE_NOTE

RECORDED = Path(__file__).parent / "recorded"
WRONG_CALLS = (
    ("qurey", "select 1"),
    ("load.und", "20181104T093012123456"),
    ("infra",),
    ("help", "nothing-like-it"),
    ("run", "--databse", "x.duckdb"),
    ("run", "-z"),
    ("run", "somewhere"),
    ("run", "--database"),
    ("run", "--quiet=yes"),
    ("load.undo",),
    ("query", "select", "1"),
    ("--database", "x.duckdb", "run"),
    ("--nothing-like-it", "run"),
)
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """The command line, in this process, on a terminal of a width."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def run(*arguments: str, columns: int = 80) -> tuple[int, str, str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        line = CommandLine(tasks.namespace, root=PROJECT_ROOT, groups=tasks.GROUPS, title=tasks.TITLE)
        with pytest.raises(SystemExit) as ended:
            line.run(["./inv", *arguments])
        captured = capfd.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def names() -> list[str]:
    return [name.removesuffix(".new") for name in tasks.namespace.task_names]


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize("kind", ["help", "wrong_calls"])
def test_help_and_wrong_calls_are_as_recorded(
    kind: str, columns: int, call: Call, request: pytest.FixtureRequest
) -> None:
    said = []
    for arguments in WRONG_CALLS if kind == "wrong_calls" else ((), *(("help", name) for name in names())):
        code, out, err = call(*arguments, columns=columns)
        said.append(f"$ {' '.join(['./inv', *arguments])}\n{out}{err}")
        assert all(len(line) <= columns for line in out.splitlines())
        if kind == "wrong_calls":
            assert (code, out, err.startswith("Error: "), err.count("\n")) == (ExitCode.USAGE, "", True, 1)
        else:
            assert (code, err) == (ExitCode.OK, "")
    # ./inv shows this one where there is no environment yet.
    is_shown = (kind, columns) == ("help", 80)
    recorded = PROJECT_ROOT / "docs" / "help.txt" if is_shown else RECORDED / f"{kind}-{columns}.txt"
    if request.config.getoption("--record"):
        recorded.parent.mkdir(exist_ok=True)
        recorded.write_text("\n".join(said), encoding="utf-8")
    assert "\n".join(said) == recorded.read_text(encoding="utf-8"), "the top of this file says how to record it anew"


def test_help_is_the_same_wherever_it_is_asked_for(call: Call) -> None:
    for name in names():
        wanted = call("help", name)
        assert name in wanted[1].splitlines()[0]
        for arguments in ((name, "--help"), (name, "-h"), ("--help", name), ("-h", name), (f"--help={name}",)):
            assert call(*arguments) == wanted, arguments
    assert call("query", "select 1", "--csv", "-h") == call("help", "query")
    assert call() == call("--help") == call("help") == call("--list") == call("-l")
    assert {name for name in names() if re.search(rf"^  {re.escape(name)} ", call()[1], re.M)} == set(names())
    assert "infra.up" in call("help", "infra")[1]


def test_short_flags_mean_the_same_everywhere(call: Call) -> None:
    for name in names():
        for letter, flag in re.findall(r"^  -(\w), --([\w-]+)", call("help", name)[1], re.M):
            assert SHORT_FLAGS[flag] == letter


def test_a_pipe_that_closes_early_is_no_error(sample: Project) -> None:
    for arguments in ("--list", "query 'select * from songplays' --csv", "help run"):
        command = f"{sys.executable} tasks.py {arguments} | head -n 1; echo ${{PIPESTATUS[0]}}"
        done = sample.run("bash", "-c", command)
        said = done.stderr.replace(f"{SAMPLE_NOTE}\n", "")
        assert (said, done.stdout.splitlines()[-1]) == ("", "0")


def test_settings_that_cannot_be_read_are_one_line(played: Project) -> None:
    (played.root / "invoke.yaml").write_text("target: [")
    for done in (played.invoke("query", "select 1"), played.invoke("load.list")):
        assert (done.returncode, done.stderr.count("\n"), "invoke.yaml" in done.stderr) == (2, 1, True)


def test_every_error_has_a_code_of_the_table() -> None:
    table = (PROJECT_ROOT / "docs" / "exit_codes.md").read_text(encoding="utf-8")
    documented = set(map(int, re.findall(r"^\| (\d+) ", table, re.M)))
    assert documented == {int(code) for code in ExitCode}
    errors = [PipelineError]
    for error in errors:
        errors += error.__subclasses__()
        assert error.exit_code in documented
    assert infra_errors.InfraError.exit_code == ExitCode.FAILED
    assert infra_errors.InfraUsageError.exit_code == ExitCode.USAGE
    assert infra_errors.InfraAccessError.exit_code == ExitCode.ENVIRONMENT
    assert infra_errors.DRIFT == ExitCode.DATA


def test_each_exit_code(played: Project) -> None:
    """What the other tests do not show: 1 is in test_run_lock, 5, 130 and 143 are in test_faults."""
    assert played.invoke("run", "-q").returncode == ExitCode.OK  # nothing new
    assert played.invoke("query", "select nothing").returncode == ExitCode.USAGE
    assert played.invoke("reset").returncode == ExitCode.FAILED  # nobody said yes
    events = source_beside(played) / "log_data/2.json"
    events.write_text("{")
    assert played.invoke("run", "-q").returncode == ExitCode.DATA
    events.write_text(json.dumps(make_event(sessionId=2)))
    (played.root / "tests/dbt/no_second_session.sql").write_text(
        "select * from {{ ref('songplays') }} where session_id = 2"
    )
    assert played.invoke("run", "-q").returncode == ExitCode.TESTS
    (source_beside(played) / "log_data/1.json").write_text(json.dumps(make_event(sessionId=3)))
    changed = played.invoke("load", "-q")
    assert (changed.returncode, "changed since it was loaded" in changed.stderr) == (ExitCode.DATA, True)


def test_a_module_runs_without_the_command_line() -> None:
    """The pipeline does not need what stands around it."""
    code = "import sys, pipeline.run.run; sys.exit(any(name.partition('.')[0] == 'door' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=False).returncode == 0
