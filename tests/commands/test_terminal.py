"""Output on a terminal: it fits, moves only where that can be, and has the colours that were asked for."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest
from projects import Project

from pipeline.console import display

COLOUR = re.compile(r"\x1b\[[0-9;]*3\d[0-9;]*m")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WIDE = "select s.*, a.name, a.location from songs s join artists a using (artist_id)"


def lines(written: str) -> list[str]:
    """The lines as they were drawn, each state of a live one by itself."""
    return [line.rstrip() for line in re.split(r"[\r\n]+", ESCAPE.sub("", written))]


def test_tables_and_progress_fit_the_terminal(played: Project) -> None:
    for columns, arguments in ((80, ("load.list",)), (40, ("query", WIDE)), (40, ("run", "--reload", "log_data"))):
        for line in lines(played.on_terminal(*arguments, columns=columns)):
            is_text = line.startswith(("Ask it", "Load ")) or "./inv" in line or "/" in line  # folded by the terminal
            assert is_text or len(line) <= columns, line


def test_a_table_that_fits_is_one_and_one_that_does_not_has_a_value_a_line(played: Project) -> None:
    assert "song_id" in lines(played.on_terminal("query", WIDE, columns=300))[0]
    narrow = lines(played.on_terminal("query", WIDE, columns=40))
    assert narrow[0] == "── 1 ──"
    assert [line.split()[0] for line in narrow[1:4]] == ["song_id", "title", "artist_id"]
    assert len(played.invoke("query", WIDE).stdout.splitlines()[0]) > 40  # a pipe has no width


def test_colours_and_movement_are_as_the_environment_asks(played: Project) -> None:
    terminal = played.on_terminal("report", columns=80)
    assert COLOUR.search(terminal)
    assert ESCAPE.search(terminal)
    assert not COLOUR.search(played.on_terminal("report", columns=80, NO_COLOR="1"))
    assert not ESCAPE.search(played.on_terminal("report", columns=80, TERM="dumb"))
    assert not ESCAPE.search(played.invoke("report").stderr)
    forced = played.invoke("report", FORCE_COLOR="1").stderr
    assert COLOUR.search(forced)
    assert forced.count("\n") == 1  # and no line that moves
    assert not re.search(r"\x1b\[[0-9?]*[A-HJKhl]|\r", forced)


def test_step_times_are_printed_once(played: Project) -> None:
    done = played.invoke("run", "--reload", "log_data")
    assert len(re.findall(r"^. Build +\d+\.\d s", done.stderr, re.M)) == 1
    assert "build" not in done.stdout


def test_the_bar_of_a_command_goes_forward_and_tells_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(display.time, "monotonic", lambda: now)
    pace = display._Pace({"Load": 3, "Build": 1})
    pace.begin("Load")
    now += 1
    pace.advance(0.5)
    assert str(pace) == "0:01"  # too early to tell
    now += 29
    assert (pace.fraction, str(pace)) == (0.375, "0:30, about 0:50 left")
    pace.begin("Load")  # of a second source
    assert pace.fraction == 0.375
    pace.begin("Build")
    pace.advance(1)
    assert (pace.fraction, str(pace)) == (1, "0:30, about 0:00 left")


def test_query_takes_sql_from_an_argument_a_file_or_standard_input(played: Project) -> None:
    sql = "select count(*) as plays\nfrom songplays -- one"
    (played.root / "plays.sql").write_text(f"\ufeff{sql};\n", encoding="utf-8")

    def piped(text: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = (sys.executable, "tasks.py", "query", *arguments)
        return subprocess.run(command, cwd=played.root, input=text, capture_output=True, check=False)

    for done in (
        played.invoke("query", sql, "--csv"),
        played.invoke("query", "--file", "plays.sql", "--csv"),
        played.invoke("query", "--csv", "--file=plays.sql"),
    ):
        assert (done.returncode, done.stdout) == (0, "plays\n1\n")
    for arguments in (("--csv",), ("-", "--csv"), ("--csv", "-")):
        done = piped(sql.encode(), *arguments)
        assert (done.returncode, done.stdout) == (0, b"plays\n1\n"), done.stderr
    for refused in (
        played.invoke("query"),
        played.invoke("query", "--file", "nothing.sql"),
        played.invoke("query", "--file", "models"),
        played.invoke("query", sql, "--file", "plays.sql"),
        piped(b" \n"),
        piped(b"select '\xff'"),
    ):
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1), refused
