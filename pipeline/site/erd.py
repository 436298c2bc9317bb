"""The entity-relationship diagram of the staging tables and the star: dbterd finds the joins, Graphviz draws them."""

from __future__ import annotations

import html
import itertools
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.site.pages import template
from pipeline.site.report.theme import COLOURS, colour, css

REPORT_FOLDER = Path(__file__).parent / "report"
GROUPS = {"star": "The star", "staging": "Staging"}
INK, MUTED, LINE, PAPER, CARD = (COLOURS[name][0] for name in ("ink", "muted", "line", "paper", "card"))
HEADS = {"star": COLOURS["blue"][0], "staging": COLOURS["grey"][0]}


@dataclass(frozen=True)
class Join:
    """A many-to-one join: table.column refers to other_table.other_column."""

    table: str
    column: str
    other_table: str
    other_column: str


@dataclass(frozen=True)
class Diagram:
    """Tables with their columns and types, their keys, and the joins."""

    tables: dict[str, dict[str, str]]
    groups: dict[str, str]
    keys: frozenset[tuple[str, str]]
    joins: tuple[Join, ...]


def build_erd(artifacts: Path, page: Path, *, fingerprint: str, pages: dict[str, str | None]) -> Path:
    """Write the page with the diagram from dbt's manifest and catalog in a folder.

    fingerprint is stored in the page, to find out later whether the project has changed. pages are those to link to.
    """
    diagram = read_diagram(artifacts)
    text = template(Path(__file__).with_name("erd.html.j2")).render(
        light=css(0),
        dark=css(1),
        style=(REPORT_FOLDER / "page.css").read_text(encoding="utf-8"),
        drawing=_draw(_dot(diagram)),
        joins=diagram.joins,
        fingerprint=fingerprint,
        pages=pages,
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, encoding="utf-8")
    return page


def read_diagram(artifacts: Path) -> Diagram:
    """The tables of the manifest in a folder; keys and joins come from their data tests."""
    from dbterd.api import DbtErd  # takes seconds to import: it has classes for every version of dbt's artifacts

    found = json.loads(
        DbtErd(
            target="json",
            artifacts_dir=str(artifacts),
            resource_type=["model"],
            entity_name_format="table",
            algo="test_relationship",
        ).get_erd()
    )
    manifest = json.loads((artifacts / "manifest.json").read_text(encoding="utf-8"))
    nodes = manifest["nodes"].values()
    groups = {node["name"]: group for node in nodes if node["resource_type"] == "model" and (group := _group(node))}
    tables = {
        node["name"]: {column["name"]: column["data_type"] for column in node["columns"]}
        for node in found["nodes"]
        if node["name"] in groups
    }
    joins = {
        Join(_name(edge["from_id"]), column, _name(edge["to_id"]), other)
        for edge in found["edges"]
        for column, other in zip(edge["from_columns"], edge["to_columns"], strict=True)
    }
    return Diagram(
        tables=tables,
        groups=groups,
        keys=frozenset((table, column) for table, columns in _keys(nodes).items() for column in columns),
        joins=tuple(
            sorted(
                (j for j in joins if j.table in tables and j.other_table in tables), key=lambda j: (j.table, j.column)
            )
        ),
    )


def _group(node: dict[str, Any]) -> str | None:
    folder = Path(node["original_file_path"]).parent.name
    return {"marts": "star", "staging": "staging"}.get(folder)


def _name(unique_id: str) -> str:
    return unique_id.rpartition(".")[2]


def _keys(nodes: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Each table's key: its unique column or, if it has none, the columns of its unique_combination."""
    keys: dict[str, list[str]] = {}
    for node in nodes:
        test = node.get("test_metadata") or {}
        table = _name(node.get("attached_node") or "")
        if test.get("name") == "unique":
            keys[table] = [node["column_name"]]
        elif test.get("name") == "unique_combination":
            keys.setdefault(table, test["kwargs"]["columns"])
    return keys


def _dot(diagram: Diagram) -> str:
    lines = [
        "digraph tables {",
        'graph [rankdir=LR, nodesep=0.35, ranksep=1.1, bgcolor="transparent", pad=0.1];',
        'node [shape=plain, fontname="Arimo", fontsize=12];',
        f'edge [color="{MUTED}", arrowhead=noneotee, arrowtail=crow, dir=both, penwidth=1.2];',
    ]
    for group in GROUPS:
        names = [name for name in diagram.tables if diagram.groups[name] == group]
        lines += [f'"{name}" [label=<{_table(diagram, name)}>];' for name in names]
    lines += [f'"{j.table}":"{j.column}.out":e -> "{j.other_table}":"{j.other_column}.in":w;' for j in diagram.joins]
    # Tables without joins go in one row, to leave the space to the others.
    joined = {name for join in diagram.joins for name in (join.table, join.other_table)}
    alone = sorted((name for name in diagram.tables if name not in joined), key=lambda name: -len(diagram.tables[name]))
    lines += [f'"{left}" -> "{right}" [style=invis];' for left, right in itertools.pairwise(alone)]
    return "\n".join([*lines, "}"])


def _table(diagram: Diagram, name: str) -> str:
    foreign = {join.column for join in diagram.joins if join.table == name}
    head = HEADS[diagram.groups[name]]
    rows = []
    for column, kind in diagram.tables[name].items():
        mark = "PK" if (name, column) in diagram.keys else "FK" if column in foreign else " "
        rows.append(
            f'<tr><td port="{column}.in" align="left" width="26">{_text(mark, MUTED, 9)}</td>'
            f'<td align="left">{_text(column, INK, 12)}</td>'
            f'<td port="{column}.out" align="left">{_text(kind, MUTED, 10)}</td></tr>'
        )
    link = f"index.html#!/model/model.sparkify.{name}"
    return (
        f'<table border="1" color="{LINE}" bgcolor="{CARD}" cellborder="0" cellspacing="0" cellpadding="4">'
        f'<tr><td colspan="3" align="left" bgcolor="{head}" href="{link}">'
        f'<font color="{PAPER}" point-size="14"><b>{name}</b></font></td></tr>{"".join(rows)}</table>'
    )


def _text(text: str, ink: str, points: int) -> str:
    return f'<font color="{ink}" point-size="{points}">{html.escape(text)}</font>'


def _draw(dot: str) -> str:
    """The diagram as an SVG element, in the page's colours."""
    program = Path(sys.executable).with_name("graphviz-pure")
    done = subprocess.run([program, "-Tsvg"], input=dot, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise PipelineError("The table diagram could not be drawn:", *done.stderr.strip().split("\n"))
    drawing = done.stdout[done.stdout.index("<svg") :]
    for name in COLOURS:
        drawing = drawing.replace(COLOURS[name][0], colour(name))
    return drawing
