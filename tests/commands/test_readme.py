"""The README and the other pages: commands print what is shown, links work, and reference tables are complete.

pytest -n 0 tests/commands/test_readme.py --record writes outputs that have changed into the pages.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from projects import Project

from pipeline.settings import PROJECT_ROOT

PAGES = sorted(
    path for folder in (".", "docs", "benchmarks", "redshift_stand_in") for path in (PROJECT_ROOT / folder).glob("*.md")
)
BLOCK = re.compile(r"(?<=```console\n).*?(?=^```)", re.DOTALL | re.MULTILINE)
LOAD_ID = re.compile(r"\b\d{8}T\d{12}\b")
VARIES = re.compile(rf" *\d+\.\d s\b|{LOAD_ID.pattern}|\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d")
README_WORDS = 900


def page(name: str) -> str:
    return (PROJECT_ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["README.md", "docs/loading.md"])
def test_a_new_clone_prints_what_is_shown(name: str, project: Project, request: pytest.FixtureRequest) -> None:
    deliver_a_bad_record(project.root / "delivery")
    compare(name, project, request)


@pytest.mark.parametrize("name", ["docs/commands.md", "docs/tables.md"])
def test_the_sample_gives_what_is_shown(name: str, sample: Project, request: pytest.FixtureRequest) -> None:
    compare(name, sample, request)


def compare(name: str, project: Project, request: pytest.FixtureRequest) -> None:
    """Run the commands of a page in their order; compare all that they print but times and load ids."""
    load_ids: dict[str, str] = {}
    text = page(name)
    assert BLOCK.search(text)
    found = BLOCK.sub(lambda block: "".join(run_block(block[0], project, load_ids)), text)
    if request.config.getoption("--record"):
        (PROJECT_ROOT / name).write_text(found, encoding="utf-8")
    assert found == page(name), "the top of this file says how to record it anew"


def run_block(block: str, project: Project, load_ids: dict[str, str]) -> Iterator[str]:
    """The block with what its commands print now; load_ids has the real one for each load id of the page."""
    for command, shown in commands_of(block):
        program, *arguments = shlex.split(LOAD_ID.sub(lambda found: load_ids[found[0]], command))
        if program == "./inv":
            done = project.invoke(*arguments)
        else:
            done = project.run(str(Path(sys.executable).with_name(program)), *arguments)
        # Progress is shown once, in the README; mf may announce a newer version before its answer.
        is_all_shown = done.returncode or arguments == ["run"]
        printed = done.stderr + done.stdout if is_all_shown else done.stdout.rpartition("\n\n\n")[2]
        lines = [line for line in shown.splitlines() if line.startswith("inv: ")]  # not printed by tasks.py
        lines += [line.rstrip() for line in printed.strip("\n").splitlines()]
        now = "".join(f"{line}\n" for line in lines)
        load_ids.update(zip(LOAD_ID.findall(shown), LOAD_ID.findall(now), strict=False))
        for load_id, real in load_ids.items():
            now = now.replace(real, load_id)
        yield f"$ {command}{shown if VARIES.sub('', now) == VARIES.sub('', shown) else now}"


def commands_of(block: str) -> Iterator[tuple[str, str]]:
    """Each command of a block and the output below it; a command goes on while a quotation mark is open."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        end = 1
        while "".join(lines[:end]).count('"') % 2:
            end += 1
        yield "".join(lines[:end]), "".join(lines[end:])


def deliver_a_bad_record(folder: Path) -> None:
    """The source of docs/loading.md: a song, and ten plays of which the third has a text for a time."""
    plays = [
        {"page": "NextSong", "userId": "1", "sessionId": 1, "itemInSession": n, "ts": 1541073600000} for n in range(10)
    ]
    plays = [{**play, "level": "free", "song": "Song", "artist": "Artist", "length": 200.0} for play in plays]
    song = {"song_id": "S1", "title": "Song", "artist_id": "A1", "artist_name": "Artist", "duration": 200.0, "year": 0}
    files = {
        "log_data/2018-11-01-events.json": [*plays[:2], {**plays[2], "ts": "noon"}, *plays[3:]],
        "song_data/S1.json": [song],
    }
    for name, records in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))


def test_the_charts_that_are_shown_are_those_of_the_sample(sample: Project, tmp_path: Path) -> None:
    shown = set(re.findall(r"docs/images/([\w-]+)\.svg", page("README.md")))
    names = ",".join({name.rpartition("-")[0] for name in shown})
    assert sample.invoke("report", "--charts", names, "--folder", str(tmp_path)).returncode == 0
    assert {path.stem for path in tmp_path.iterdir()} == shown
    for path in tmp_path.iterdir():  # not byte by byte: text is as wide as this machine's fonts are
        committed = (PROJECT_ROOT / "docs/images" / path.name).read_text(encoding="utf-8")
        marks = re.compile(r'aria-label="([^"]+)"')
        assert marks.findall(path.read_text(encoding="utf-8")) == marks.findall(committed)


def test_the_readme_is_short() -> None:
    prose = re.sub(r"^```.*?^```$|<[^>]*>", "", page("README.md"), flags=re.DOTALL | re.MULTILINE)
    assert len(re.findall(r"\w+", re.sub(r"\]\([^)]*\)", "]", prose))) <= README_WORDS


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(PROJECT_ROOT).as_posix())
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"(?:\]\(|(?:src|srcset|href)=\")([^)\"\s]+)", without_blocks(path)):
        if "://" not in link:
            name, _, anchor = link.partition("#")
            target = (path.parent / name).resolve() if name else path
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def without_blocks(path: Path) -> str:
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def flags_of_tasks() -> dict[str, set[str]]:
    """The flags of every task; another test holds docs/help.txt to the tasks."""
    parts = re.split(r"^\$ \./inv help ", page("docs/help.txt"), flags=re.MULTILINE)[1:]
    tasks = {part.split("\n", 1)[0]: part for part in parts}
    return {name: set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE)) for name, text in tasks.items()}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(PROJECT_ROOT).as_posix())
def test_every_command_that_is_named_exists(path: Path) -> None:
    known = flags_of_tasks()
    text = path.read_text(encoding="utf-8")
    for code in re.findall(r"`([^`\n]+)`|^(.+)$", text, re.MULTILINE):
        for name, rest in re.findall(r"\./inv ([a-z][a-z.-]*)([^|#`]*)", "".join(code)):
            if name != "help":
                assert name in known, code
                assert set(re.findall(r"(?<!\S)--[a-z-]+", rest)) <= known[name], code


def test_the_tables_of_commands_are_complete() -> None:
    known = flags_of_tasks()
    rows = re.findall(r"^\| `\./inv ([\w.-]+)[^`]*` \|[^|]*\|([^|]*)\|$", page("docs/commands.md"), re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(known)
    for name, flags in rows:
        assert set(re.findall(r"--[a-z-]+", flags)) - ({"--dry-run"} if name == "run" else set()) <= known[name], name


def test_the_table_of_settings_is_complete() -> None:
    settings = yaml.safe_load(page("invoke.yaml"))
    nested = {name: value for name, value in settings.items() if isinstance(value, dict)}
    defaults = {name: value for name, value in settings.items() if name not in nested}
    defaults |= {f"{name}.{key}": value for name, keys in nested.items() for key, value in keys.items()}
    section = page("docs/commands.md").partition("\n## Settings\n")[2].partition("\n## ")[0]
    assert dict(re.findall(r"^\| `([\w.]+)` \| (?:`([^`]*)` )?\|", section, re.MULTILINE)) == defaults


def test_the_table_of_variables_is_complete() -> None:
    read = set(re.findall(r"env_var\('(\w+)'", page("profiles.yml.example") + page("dbt_project.yml")))
    section = page("docs/commands.md").partition("## Environment variables")[2].partition("\n## ")[0]
    assert set(re.findall(r"`((?:SPARKIFY|AWS)_\w+)`", section)) == read


def test_every_table_and_column_is_listed(sample: Project) -> None:
    columns: dict[str, list[str]] = {}
    for table, column in sample.rows(
        "select table_name, column_name from information_schema.columns where table_schema = 'analytics' "
        "order by table_name, ordinal_position"
    ):
        columns.setdefault(table, []).append(column)
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", page("docs/tables.md"), re.MULTILINE)
    assert {table: re.findall(r"(\w+)(?: \([^)]*\))?(?:,|$)", text.strip()) for table, text in rows} == columns
