"""What the README shows is what one gets."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

from projects import Project

from pipeline.settings import PROJECT_ROOT

BLOCK = re.compile(r"```console\n\$ \./inv (query .*?)\n(.*?)```", re.DOTALL)


def test_the_sample_has_the_rows_that_are_shown(project: Project) -> None:
    text = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    shown = {name: int(count.replace(",", "")) for name, count in re.findall(r"^(\w+) +([\d,]+)$", text, re.MULTILINE)}
    report = json.loads(project.invoke("run", "--json").stdout)
    assert report["row_counts"].items() <= shown.items()
    assert f"{report['tests_passed']} of {report['tests_passed']} tests passed" in text


def test_every_question_has_the_answer_that_is_shown(project: Project) -> None:
    shown = BLOCK.findall((PROJECT_ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(shown) >= 6
    assert project.invoke("run", "-q").returncode == 0
    for command, answer in shown:
        done = project.invoke(*shlex.split(command))
        assert done.stdout.strip() == answer.strip(), command


def test_metricflow_gives_what_is_shown(sample: Project) -> None:
    text = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    command, answer = re.search(r"```console\n\$ (mf query .*?)\n(.*?)```", text, re.DOTALL).groups()
    program, *arguments = shlex.split(command)
    done = sample.run(str(Path(sys.executable).with_name(program)), *arguments)
    shown = [line.split() for line in answer.splitlines()]
    # Before the answer mf may say that there is a newer one of it.
    assert [line.split() for line in done.stdout.strip().splitlines()][-len(shown) :] == shown


def test_the_charts_that_are_shown_are_those_of_the_sample(sample: Project, tmp_path: Path) -> None:
    text = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"docs/images/([\w-]+)\.svg", text))
    names = ",".join({name.rpartition("-")[0] for name in shown})
    assert sample.invoke("report", "--charts", names, "--folder", str(tmp_path)).returncode == 0
    assert {path.stem for path in tmp_path.iterdir()} == shown
    for path in tmp_path.iterdir():  # not byte by byte: text is as wide as this machine's fonts are
        committed = (PROJECT_ROOT / "docs/images" / path.name).read_text(encoding="utf-8")
        marks = re.compile(r'aria-label="([^"]+)"')
        assert marks.findall(path.read_text(encoding="utf-8")) == marks.findall(committed)


def test_every_command_that_is_named_exists(project: Project) -> None:
    text = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8") + (PROJECT_ROOT / "docs/runbook.md").read_text(
        encoding="utf-8"
    )
    named = set(re.findall(r"(?:\./inv|invoke) ([a-z-]+(?:\.[a-z]+)?)\b", text)) - {"help"}  # no task
    listed = project.invoke("--list").stdout
    assert named
    assert {name for name in named if f"\n  {name} " not in listed} == set()
