"""What the README shows is what one gets."""

from __future__ import annotations

import json
import re
import shlex

from conftest import PROJECT_ROOT, Project

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


def test_every_command_that_is_named_exists(project: Project) -> None:
    text = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8") + (PROJECT_ROOT / "docs/runbook.md").read_text(
        encoding="utf-8"
    )
    named = set(re.findall(r"(?:\./inv|invoke) ([a-z]+(?:\.[a-z]+)?)\b", text))
    listed = project.invoke("--list").stdout
    assert named
    assert {name for name in named if f"\n  {name} " not in listed} == set()
