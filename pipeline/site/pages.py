"""Foreign text on pages: the one place that escapes for HTML, Markdown and scripts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jinja2

from pipeline.foreign_text import printable


def template(path: Path) -> jinja2.Template:
    """A page's template. Every value is escaped unless the template marks it as safe."""
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
    """The value escaped for HTML, attributes, Markdown and templates with braces."""
    return re.sub(r"[!-/:-@[-`{-~]", lambda found: f"&#{ord(found[0])};", printable(str(value)))


def in_script(value: Any) -> str:
    """The value as JSON that cannot end its script element."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def visible(value: Any) -> Any:
    """The value with printable texts, in lists and objects too. Some characters make the chart renderer abort."""
    if isinstance(value, dict):
        return {key: visible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [visible(item) for item in value]
    return printable(value, keep="\n") if isinstance(value, str) else value
