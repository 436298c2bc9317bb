"""Files that cannot be read or written, locales, modes and signals: one line with the way out."""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from duckdb_file import rows
from projects import Project, clean_environment, source_with_one_play

LOAD_ID = "20260101T000000000000"
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2

# Every command that reads or writes a warehouse.
COMMANDS = (
    ("run", "-q"),
    ("load", "-q"),
    ("load.list",),
    ("load.undo", LOAD_ID),
    ("publish", "-q"),
    ("docs.build", "-q"),
    ("reset", "--yes"),
)


def bound_by_modes() -> None:
    """Let a file's mode hold for root, too."""
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability)


def invoke(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tasks.py", *arguments],
        cwd=project.root,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=bound_by_modes if os.geteuid() == 0 else None,
    )


def assert_one_line(done: subprocess.CompletedProcess[str], path: Path, *cures: str) -> None:
    said = done.stderr.strip()
    assert (done.returncode, said.count("\n"), said.startswith("Error: ")) == (5, 0, True), done
    assert str(path) in said, said
    assert any(cure in said for cure in cures), said


def damage(path: Path) -> None:
    path.write_bytes(b"this is no database\n" * 10)


def test_a_damaged_work_file_is_brought_back_or_named_with_the_way_back(played: Project) -> None:
    work = played.root / ".sparkify/sparkify.duckdb"
    damage(work)
    assert_one_line(invoke(played, "load.list"), work, f"mv {work} {work}.damaged && ./inv run")
    assert invoke(played, "query", "select 1", "--csv").stdout == "1\n1\n"
    for arguments in (("run", "-q"), ("load", "-q"), ("docs.build", "-q"), ("load.undo", LOAD_ID)):
        damage(work)
        done = invoke(played, *arguments)
        assert "It was restored from sparkify.duckdb" in done.stderr
        assert done.returncode == (2 if arguments[0] == "load.undo" else 0), done.stderr
    damage(work)
    assert invoke(played, "reset", "--yes").returncode == 0


def test_a_damaged_published_file_is_named_by_what_reads_it_and_made_anew_by_a_run(played: Project) -> None:
    damage(played.database)
    for arguments in (("query", "select 1"), ("report", "-q"), ("notebook", "--export")):
        assert_one_line(invoke(played, *arguments), played.database, "./inv run recreates it")
    assert invoke(played, "run", "-q").returncode == 0
    assert rows(played.database, "select count(*) from songplays") == [(1,)]


RELOAD = ("--reload", "log_data/1.json")


@pytest.mark.parametrize(
    ("place", "commands"),
    [
        ("logs", [("run", "-q", *RELOAD), ("load", "-q", *RELOAD), COMMANDS[4], COMMANDS[5], COMMANDS[6]]),
        (".sparkify/sparkify.duckdb", COMMANDS[:-1]),
        (".sparkify/sparkify.lock", [command for command in COMMANDS if command[0] != "load.list"]),
        ("sparkify.duckdb", [("query", "select 1"), ("report", "-q"), ("notebook", "--export")]),
    ],
)
def test_what_belongs_to_another_user_is_named_by_every_command(
    place: str, commands: list[tuple[str, ...]], played: Project
) -> None:
    path = played.root / place
    files = [*path.glob("*"), path]
    for file in files:
        file.chmod(0o000)
    for arguments in commands:
        assert_one_line(invoke(played, *arguments), path, "make it writable")
    for file in reversed(files):
        if file.exists():
            file.chmod(0o700)
    assert invoke(played, "run", "-q").returncode == 0


def test_a_project_that_is_read_only_serves_a_database_elsewhere(played: Project, tmp_path: Path) -> None:
    folders = [path for path in [played.root, *played.root.rglob("*")] if path.is_dir()]
    for folder in folders:
        folder.chmod(0o500)
    database = tmp_path / "own.duckdb"
    source = source_with_one_play(tmp_path / "source")
    try:
        done = invoke(played, "run", "-q", "--database", str(database), "--source", str(source))
        assert done.returncode == 0, done.stderr
        refused = invoke(played, "simulate", "-q", str(played.root / "data"))
        assert_one_line(refused, played.root / ".data.partial", "Choose another folder")
    finally:
        for folder in folders:
            folder.chmod(0o700)
    assert rows(database, "select count(*) from songplays") == [(1,)]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_work_files_are_for_their_owner_and_the_published_one_keeps_its_mode(project: Project, tmp_path: Path) -> None:
    source = source_with_one_play(tmp_path / "source")
    earlier = os.umask(0o022)
    try:
        (project.root / ".sparkify").chmod(0o755)  # as an older version made it
        assert invoke(project, "run", "-q", "--source", str(source)).returncode == 0
        assert (mode(project.root / ".sparkify"), mode(project.root / ".sparkify/sparkify.duckdb")) == (0o700, 0o600)
        assert mode(project.database) == 0o644
        assert mode(project.root / "sparkify_docs/report.html") == 0o644
        project.database.chmod(0o664)
        if os.geteuid() == 0:
            os.chown(project.database, 1, 1)
        owner = project.database.stat().st_uid
        assert invoke(project, "publish", "-q").returncode == 0
    finally:
        os.umask(earlier)
    assert (mode(project.database), project.database.stat().st_uid) == (0o664, owner)


CONTROLS = "\x83\x7f\x85\u2028 ü 😀 ' \" %s"


def test_any_letter_may_stand_in_a_sources_path(played: Project, tmp_path: Path) -> None:
    source = source_with_one_play(tmp_path / CONTROLS)
    for _ in range(2):  # from lines, and again to see that the ledger has the path as it is
        done = played.invoke("load", "-q", "--source", str(source), "--database", str(tmp_path / "own.duckdb"))
        assert done.returncode == 0, done.stderr
    found = rows(tmp_path / ".sparkify/own.duckdb", "select distinct source from load_history")
    assert found == [(str(source),)]


def test_a_locale_of_one_byte_letters_changes_nothing(played: Project, tmp_path: Path) -> None:
    made = subprocess.run(
        ["localedef", "--no-archive", "-i", "en_US", "-f", "ISO-8859-1", str(tmp_path / "latin")],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("no locale can be made here")
    source = source_with_one_play(tmp_path / "mü")
    latin = {"LOCPATH": str(tmp_path), "LC_ALL": "latin", "PYTHONIOENCODING": "utf-8"}
    for number, utf8 in enumerate(({"PYTHONUTF8": "1"}, {})):  # as ./inv sets it, and by plain invoke
        flags = ("--source", str(source), "--database", f"own{number}.duckdb")
        done = played.invoke("load", *flags, **latin, **utf8)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    found = rows(played.root / ".sparkify/own0.duckdb", "select distinct source from load_history")
    assert found == [(str(source),)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_command_with_one_line_and_its_code(
    number: signal.Signals, code: int, played: Project, tmp_path: Path
) -> None:
    flags = ("--source", str(source_with_one_play(tmp_path / "source")), "--database", str(tmp_path / "own.duckdb"))
    process = start(played, "run", "-q", *flags, wait_for=tmp_path / ".sparkify/own.lock")
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (code, "Interrupted. Committed work is kept. Run it again to finish.")


def start(project: Project, *arguments: str, wait_for: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "tasks.py", *arguments],
        cwd=project.root,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not wait_for.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def descendants(process_id: int) -> set[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = dict(map(int, line.split()) for line in listed.splitlines())
    found = {process_id}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_stand_in_leaves_no_process(number: signal.Signals, project: Project) -> None:
    process = subprocess.Popen(
        [sys.executable, "tasks.py", "stand-in"],
        cwd=project.root,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    while not process.stdout.readline().startswith("ready"):
        assert process.poll() is None
    started = descendants(process.pid)
    assert len(started) > 1
    process.send_signal(number)
    assert process.wait(timeout=60) == 0  # until then it serves: that is its end
    assert not [one for one in started if Path(f"/proc/{one}").exists()]
