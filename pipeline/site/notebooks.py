"""What the notebooks share, and their export as self-contained pages."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import runpy
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pipeline.errors import MachineError, PipelineError, UsageError
from pipeline.foreign_text import first_line
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.site.pages import template, text_on_page, visible
from pipeline.site.report.question import Rows, rows_of
from pipeline.site.report.theme import CONFIG, css
from pipeline.source.compression import compression_of, text_of, unpacking
from pipeline.source.s3 import s3_client, s3_errors, split_uri
from pipeline.warehouse.query import published
from pipeline.warehouse.warehouse import Warehouse

FOLDER = PROJECT_ROOT / "notebooks"
EXPORTED = "the_load"
CHART_WIDTH = 720


@dataclass(frozen=True)
class Notebook:
    """The warehouse that a notebook reads: the published DuckDB file, or Redshift."""

    settings: Settings

    def rows(self, sql: str) -> Rows:
        """The rows of one statement. Tables need no schema, as in ./inv query."""
        return rows_of(Warehouse(self.settings).query(sql, database=published(self.settings)))

    def table(self, sql: str) -> str:
        """The rows of a statement as an HTML table."""
        return as_table(self.rows(sql))

    @property
    def source(self) -> str:
        """The first source in the ledger."""
        first: str = self.rows("select min(source) as source from load_history")[0]["source"]
        return first

    def raw(self, key: str) -> str:
        """The text of a file in the source, decompressed and otherwise unchanged."""
        name = f"{self.source}/{key}"
        if name.startswith("s3://"):
            bucket, object_key = split_uri(name)
            with s3_errors(name):
                content = s3_client().get_object(Bucket=bucket, Key=object_key)["Body"].read()
        else:
            content = Path(name).read_bytes()
        with unpacking(name, compression_of(key)):
            return text_of(content, compression_of(key)).decode("utf-8-sig")

    def lines(self, key: str) -> list[str]:
        """The lines of a file in the source. Only a line feed ends a line; texts may contain other separators."""
        return self.raw(key).split("\n")


def as_table(rows: Rows) -> str:
    if not rows:
        return "<p>No rows.</p>"
    head = "".join(f"<th scope='col'>{text_on_page(name)}</th>" for name in rows[0])
    body = "".join("<tr>" + "".join(_cell(value) for value in row.values()) + "</tr>" for row in rows)
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def edit(settings: Settings, name: str) -> NoReturn:
    """Replace this process with marimo, on one notebook or on the folder of all."""
    if importlib.util.find_spec("marimo") is None:
        raise MachineError("marimo is not installed. Install the development tools with: ./inv lint")
    target = FOLDER / f"{_checked_name(name)}.py" if name else FOLDER
    command = [sys.executable, "-m", "marimo", "edit", str(target)]
    os.execve(sys.executable, command, _environment(settings))  # noqa: S606


def export(settings: Settings, name: str = EXPORTED) -> Path:
    """Run a notebook and write it with its outputs as a page of the docs folder; return the page."""
    path = FOLDER / f"{_checked_name(name)}.py"
    os.environ.update(_environment(settings))
    try:
        outputs, _ = runpy.run_path(str(path), run_name=name)["app"].run()
    except ModuleNotFoundError as error:
        raise MachineError(f"{error.name} is not installed. Install the development tools with: ./inv lint") from error
    except PipelineError:
        raise
    except Exception as error:
        cause = error.__cause__
        if isinstance(cause, PipelineError):
            raise cause from error
        raise PipelineError(f"The notebook {name} failed: {first_line(cause or error)}") from error
    page = settings.docs_page.with_name(f"notebook_{name}.html")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(
        template(Path(__file__).with_name("notebook.html.j2")).render(
            title=name.replace("_", " ").capitalize(),
            light=css(0),
            dark=css(1),
            style=(Path(__file__).parent / "report" / "page.css").read_text(encoding="utf-8"),
            cells=[
                {"code": code, "output": _as_html(output)} for code, output in zip(_codes(path), outputs, strict=True)
            ],
            pages=settings.pages,
        ),
        encoding="utf-8",
    )
    return page


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def _checked_name(name: str) -> str:
    if name not in names():
        raise UsageError(f"No notebook {name!r}; choose one of {', '.join(names())}.")
    return name


def _environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "INVOKE_TARGET": settings.target,
        "INVOKE_DATABASE": str(settings.database),
        "PYTHONPATH": str(PROJECT_ROOT),
    }


def _codes(path: Path) -> list[str]:
    """The code of each cell, without the function that marimo wraps it in and without its prose."""
    text = path.read_text(encoding="utf-8")
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return [
        "\n".join(
            textwrap.dedent(ast.get_source_segment(text, statement, padded=True) or "")
            for statement in function.body
            if not isinstance(statement, ast.Return) and not ast.unparse(statement).startswith("mo.md(")
        )
        for function in functions
        if any(ast.unparse(decorator).startswith("app.cell") for decorator in function.decorator_list)
    ]


def _as_html(output: Any) -> str:
    """A cell's output as HTML; a chart becomes an SVG in the page's colours."""
    if output is None:
        return ""
    if hasattr(output, "to_dict") and hasattr(output, "mark"):
        import vl_convert

        chart = visible({**output.to_dict(), "width": CHART_WIDTH, "config": CONFIG})
        chart.pop("$schema", None)
        return f"<figure class='chart'>{vl_convert.vegalite_to_svg(json.dumps(chart))}</figure>"
    return getattr(output, "text", None) or f"<pre>{text_on_page(output)}</pre>"


def _cell(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"<td class='number'>{value}</td>"
    return f"<td>{'' if value is None else text_on_page(value)}</td>"
