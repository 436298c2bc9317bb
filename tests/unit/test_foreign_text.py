"""What comes from outside is text: hostile names and values go through every command and onto every page."""

from __future__ import annotations

import json
import os
import pty
import shlex
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from benches import Bench
from browser import Browser, chromium, needs_chromium
from projects import Project, clean_environment
from records import make_event, make_song

from pipeline.errors import PipelineError
from pipeline.foreign_text import as_json, message_of, printable, shell_word
from pipeline.run.undo import UndoReport, print_undo
from pipeline.site.pages import in_script, template, text_on_page

SCRIPT = "window.hacked=1"
RUNS = f'{{{{constructor.constructor("{SCRIPT}")()}}}}'
NAME = f"""[red]<img src=x onerror={SCRIPT}>\x1b[31m"' \n\u2028\u202e\x85`*{RUNS}"""
KEY = f"log_data/<script>{SCRIPT}</script>/[red]\x1b]0;owned\x07`'\"\n\u2028\u202e\x7f[x](javascript:{SCRIPT}).json"
TEXT = f"""</script><script>{SCRIPT}</script><img src=x onerror={SCRIPT}>[red]\x1b[2J\x07"'\u2028\u202e{{{{7*7}}}}`$$"""
PAGE = f"<img src=x onerror={SCRIPT}>[red]\x1b[1m\u2028\u202e"  # at most 64 bytes
KEY_ON_S3 = "log_data/[red]\x1b[2J<b>'\u2028\u202e\x85.json"
BAD_KEY = "log_data/\x1b[2Jbad\n\u202e.json"
# The same, as a reader sees it.
SHOWN_NAME = "[red]<img src=x onerror=window.hacked=1>\\x1b[31m\"' \\n\\u2028\\u202e\\x85`*{{constructor"
SHOWN_TEXT = TEXT.replace("\x1b[2J\x07", "\\x1b[2J\\x07").replace("\u2028\u202e", "\\u2028\\u202e")


@dataclass(frozen=True)
class Hostile:
    """A project after a run of a hostile source, and what its commands have printed."""

    project: Project
    source: Path
    printed: dict[str, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def hostile(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    folder = tmp_path_factory.mktemp("hostile")
    project = Project(Path(shutil.copytree(template, folder / "project")))
    source = folder / NAME
    texts = {"firstName": TEXT, "lastName": TEXT, "location": TEXT, "userAgent": TEXT, "artist": TEXT, "song": TEXT}
    events = [make_event(itemInSession=number, **texts) for number in range(3)]
    events.append(make_event(itemInSession=9, page=PAGE, **{f"<script>{SCRIPT}</script>\x1b[31m": 1}))
    song = make_song(artist_name=TEXT, artist_location=TEXT, title=TEXT)
    for key, records in {KEY: events, "song_data/A/1.json": [song]}.items():
        (source / key).parent.mkdir(parents=True, exist_ok=True)
        (source / key).write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in records))
    printed = {"run": project.invoke("run", "--source", str(source))}
    assert printed["run"].returncode == 0, printed["run"].stderr
    for name, *arguments in (
        ("list", "load.list"),
        ("table", "query", "select * from songplays inner join users using (user_id)"),
        ("ledger", "query", "select source, file_key from load_history"),
        ("json", "query", "select location, user_agent from songplays", "--json"),
        ("loads", "load.list", "--json"),
        ("engine", "query", f'select "{TEXT.replace(chr(34), "")}" from songplays'),
        ("cast", "query", "select cast(location as integer) from songplays"),
        ("docs", "docs.build"),
        ("report", "report"),
        *(
            (f"notebook_{name}", "notebook", "--name", name, "--export")
            for name in ("the_load", "the_source", "songplays")
        ),
    ):
        printed[name] = project.invoke(*arguments)
    bad = source / BAD_KEY
    bad.write_text('{"page": "\\u001b[2J\u202e", "ts": "\u2028"}\n{')
    printed["strict"] = project.invoke("load", "-q")
    printed["dry"] = project.invoke("load", "--dry-run")
    bad.unlink()
    (source / KEY).write_text(json.dumps(events[0]))
    printed["changed"] = project.invoke("load", "-q")
    printed["unknown"] = project.invoke("load.undo", "20200101T000000000000")
    return Hostile(project, source, printed)


def assert_is_harmless(text: str) -> None:
    """Nothing in it moves a cursor, ends a line that is not ours, or turns text around."""
    found = {letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert found <= {"\n"}, found


def test_no_command_prints_what_a_terminal_would_act_on(hostile: Hostile) -> None:
    for name, done in hostile.printed.items():
        assert_is_harmless(done.stdout)
        assert_is_harmless(done.stderr)
        assert "Traceback" not in done.stderr, name
    expected = {"engine": 2, "cast": 2, "strict": 3, "changed": 3, "unknown": 2}
    codes = {name: done.returncode for name, done in hostile.printed.items()}
    assert {name: code for name, code in codes.items() if code} == expected


def test_names_and_values_are_shown_as_they_are(hostile: Hostile) -> None:
    printed = hostile.printed
    assert SHOWN_NAME in printed["list"].stdout
    assert SHOWN_NAME in printed["ledger"].stdout
    assert SHOWN_TEXT in printed["table"].stdout
    assert "<script>window.hacked=1</script>\\x1b[31m" in printed["run"].stderr  # a key that no column takes
    assert "log_data/\\x1b[2Jbad\\n\\u202e.json, line 1" in printed["strict"].stderr
    # A file is one line, whatever its name.
    assert next(line for line in printed["dry"].stdout.split("\n") if "bad" in line).endswith("\\u202e.json")
    assert json.loads(printed["json"].stdout)[0] == {"location": TEXT, "user_agent": TEXT}
    assert json.loads(printed["loads"].stdout)[0]["source"] == str(hostile.source)
    rows = hostile.project.rows("select source, file_key from load_history where table_name = 'staging_events'")
    assert set(rows) == {(str(hostile.source), KEY)}


def test_csv_is_exact_in_a_pipe_and_harmless_on_a_terminal(hostile: Hostile) -> None:
    asked = (sys.executable, "-m", "invoke", "query", "select location from songplays limit 1", "--csv")
    piped = subprocess.run(asked, cwd=hostile.project.root, env=clean_environment(), capture_output=True, check=True)
    assert piped.stdout.decode() == 'location\n"' + TEXT.replace('"', '""') + '"\n'
    terminal, process_side = pty.openpty()
    try:
        subprocess.run(asked, cwd=hostile.project.root, env=clean_environment(), stdout=process_side, check=True)
        shown = os.read(terminal, 4096).decode().replace("\r\n", "\n")
    finally:
        os.close(terminal)
        os.close(process_side)
    assert shown == 'location\n"' + SHOWN_TEXT.replace('"', '""') + '"\n'


def test_a_command_that_is_named_can_be_copied(hostile: Hostile) -> None:
    """With the file's own name, though what is shown has escapes in it."""
    words = in_bash(hostile.printed["changed"].stderr.partition("./inv run ")[2].strip(), "'%s\\0'").split("\0")
    assert words[:4] == ["--reload", KEY, "--source", str(hostile.source)]


def test_a_message_of_either_engine_is_harmless(engine: Bench) -> None:
    """Of a bad record: its file's name, its key and its value. The ledger has the name as it is."""
    engine.put("song_data/A/1.json", make_song())
    engine.put(KEY_ON_S3, make_event(song=TEXT), '{"ts": "\\u001b[2J\u202e\u2028", "page": "Home"}')
    with pytest.raises(PipelineError) as refused:
        engine.load()
    text = message_of(refused.value)
    assert_is_harmless(text)
    assert f"  {printable(KEY_ON_S3)}, line 2, " in text
    engine.put(KEY_ON_S3, make_event(song=TEXT))
    engine.load()
    assert engine.rows("select file_key from staging.load_history where file_key like 'log%'") == [(KEY_ON_S3,)]
    assert engine.rows("select song from staging.staging_events") == [(TEXT,)]


def in_bash(words: str, form: str = "%s") -> str:
    """What a shell makes of words, printed one after the other in a form."""
    command = ["bash", "-c", f"printf {form} {words}"]
    done = subprocess.run(command, capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    return done.stdout.decode(errors="surrogateescape")


def test_an_undo_names_files_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_undo(UndoReport("1", [KEY, BAD_KEY], {"staging_events": 4}, {}, 1, ""), as_json=False, quiet=False)
    printed = capsys.readouterr().out
    assert_is_harmless(printed)
    assert "\n  log_data/\\x1b[2Jbad\\n\\u202e.json\n" in printed


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@needs_chromium
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("index", SHOWN_NAME),
        ("report", SHOWN_NAME.replace("\\n", "\n")),
        ("report", SHOWN_TEXT),
        ("erd", "songplays"),
        ("lineage", "songplays"),
        ("notebook_the_load", SHOWN_TEXT),
        ("notebook_the_load", "log_data/<script>window.hacked=1</script>/[red]\\x1b]0;owned\\x07`'\"\\n\\u2028"),
        ("notebook_the_source", "<img src=x onerror=window.ha…"),  # a chart's label
        ("notebook_songplays", SHOWN_TEXT),
    ],
)
def test_no_page_runs_or_renders_what_it_shows(hostile: Hostile, browser: Browser, name: str, shown: str) -> None:
    browser.open(hostile.project.root / f"sparkify_docs/{name}.html")
    assert browser.errors == []
    assert browser.evaluate("window.hacked === undefined")
    text = browser.evaluate("document.body.textContent")
    assert shown in text
    assert not browser.evaluate("[...document.links].some(link => link.href.startsWith('javascript:' + 'window'))")
    assert not browser.evaluate("document.querySelector('img[src=x]')")


def test_a_chart_as_a_file_is_whole(hostile: Hostile, tmp_path: Path) -> None:
    """An escape would make it no XML."""
    done = hostile.project.invoke("report", "--charts", "top_artists", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    drawing = (tmp_path / "top_artists-light.svg").read_text()
    assert "<script" not in drawing
    assert_is_harmless(drawing)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("São 長い 🎵 Señor’s", "São 長い 🎵 Señor’s"),
        ("two\nlines\ttab\r", "two\\nlines\\ttab\\r"),
        ("\x1b[2J\x07\x7f\x9b31m", "\\x1b[2J\\x07\\x7f\\x9b31m"),
        ("a\u2028b\u2029c\x85d", "a\\u2028b\\u2029c\\x85d"),
        ("\u202etxt.exe\u2066\ufeff\u200b", "\\u202etxt.exe\\u2066\\ufeff\\u200b"),
        ("half \ud83d, byte \udcff, tag \U000e0041", "half \\ud83d, byte \\udcff, tag \\U000e0041"),
        ("می\u200cخواهم 👩\u200d👩", "می\u200cخواهم 👩\u200d👩"),
        ("a\xa0b\u3000c", "a\xa0b\u3000c"),
    ],
)
def test_a_letter_is_shown_or_its_escape_is(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert json.loads(as_json({"key": text})) == {"key": text}
    assert_is_harmless(as_json(text).replace("\u200c", "").replace("\u200d", ""))


def test_lines_of_a_message_are_ours() -> None:
    error = PipelineError("wrong in a\nfile", "  second\x1b")
    assert message_of(error) == "wrong in a\\nfile\n  second\\x1b"
    assert str(error) == "wrong in a\nfile\n  second\x1b"


@pytest.mark.parametrize(
    "text", ["plain", "with 'quotes'", "", "\n\x1b[1m'\\n\u2028é", "\x85\u202e\U000e0041", "byte \udcff"]
)
def test_a_shell_takes_a_word_for_what_it_is(text: str) -> None:
    word = shell_word(text)
    assert_is_harmless(word)
    assert in_bash(word) == text
    if text.isprintable():
        assert shlex.split(word) == [text]


def test_text_on_a_page_is_text_in_html_markdown_and_scripts(tmp_path: Path) -> None:
    assert text_on_page("a<b>&'\"`*_[x](y){{z}}\x1b\n") == (
        "a&#60;b&#62;&#38;&#39;&#34;&#96;&#42;&#95;&#91;x&#93;&#40;y&#41;&#123;&#123;z&#125;&#125;&#92;x1b&#92;n"
    )
    assert json.loads(in_script({"a": "</script>"})) == {"a": "</script>"}
    assert "<" not in in_script("</script>")
    page = tmp_path / "page.html.j2"
    page.write_text("{{ text }}|{{ markup | safe }}|{{ number }}")
    assert template(page).render(text="<\x1b\n", markup="<b>", number=1) == "&lt;\\x1b\n|<b>|1"
