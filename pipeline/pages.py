"""How foreign text gets onto a page: the one place that escapes for HTML, Markdown and scripts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jinja2

from pipeline.foreign_text import printable


def template(path: Path) -> jinja2.Template:
    """A page's template: each value in it is text, unless the template says that it is safe."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(path.parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if hasattr(value, "__html__") else visible(value),
    )
    environment.filters["script"] = in_script
    return environment.get_template(path.name)


def text_on_page(value: Any) -> str:
    """The value as text wherever it is put: in HTML, in an attribute, in Markdown or where braces are looked for."""
    return re.sub(r"[!-/:-@[-`{-~]", lambda found: f"&#{ord(found[0])};", printable(str(value)))


def in_script(value: Any) -> str:
    """JSON that nothing in it can break out of its script element."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def visible(value: Any) -> Any:
    """The value with printable texts, those within lists and objects too; what draws charts aborts at some letters."""
    if isinstance(value, dict):
        return {key: visible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [visible(item) for item in value]
    return printable(value, keep="\n") if isinstance(value, str) else value
