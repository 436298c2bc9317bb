"""The docs folder: dbt's docs site with our own overview, column lineage and the table diagram."""

from __future__ import annotations

import functools
import http.server
import json
import re
from pathlib import Path
from typing import Any

import yaml

from pipeline.console.display import Display, print_text
from pipeline.dbt.runner import Dbt
from pipeline.errors import MachineError, UsageError
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.site.erd import build_erd
from pipeline.site.lineage import build_lineage
from pipeline.site.pages import in_script, text_on_page
from pipeline.site.report.words import number
from pipeline.warehouse.state import State, moment

REF = re.compile(r"\{\{ ref\('(\w+)'\) \}\}")
# dbt's page requests icons and a favicon under placeholder names. Opened from disk, each request is an error.
REPAIRS = {
    'xlink:href="{{ getIcon(': 'ng-attr-xlink:href="{{ getIcon(',
    "${require('./assets/favicons/favicon.ico')}": "data:,",
}


def generate(dbt: Dbt, display: Display, *, is_compiled: bool) -> None:
    """Have dbt write the artifacts that the site is made from: the manifest and the warehouse's catalog.

    is_compiled: a build has left the compiled SQL of every model in dbt's manifest, so it is not compiled again.
    """
    arguments = ["docs", "generate", "--static", *(["--no-compile"] if is_compiled else [])]
    dbt.command(*arguments, on_progress=display.progress)


def build_site(settings: Settings, state: State, *, fingerprint: str, with_erd: bool) -> Path:
    """Write the site from dbt's artifacts; return its first page.

    The diagram takes seconds because its library loads slowly. Without with_erd, an earlier diagram is kept if it is of
    the same project, and deleted otherwise.
    """
    settings.docs_page.parent.mkdir(parents=True, exist_ok=True)
    build_lineage(settings.dbt_target_path, settings.lineage_page)
    if with_erd:
        pages = {**settings.pages, "Tables": None}
        build_erd(settings.dbt_target_path, settings.erd_page, fingerprint=fingerprint, pages=pages)
    elif settings.erd_page.exists() and fingerprint not in settings.erd_page.read_text(encoding="utf-8"):
        settings.erd_page.unlink()
    settings.docs_page.write_text(_first_page(settings, state), encoding="utf-8")
    return settings.docs_page


def serve_docs(settings: Settings) -> None:
    """Serve the site on this machine until interrupted."""
    if not settings.docs_page.exists():
        raise UsageError("There is no docs site yet. Build it with: ./inv docs.build")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(settings.docs_page.parent))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", settings.docs_port), handler)
    except OSError as error:
        raise MachineError(
            f"Port {settings.docs_port} cannot be used: {error.strerror}. Choose another: ./inv docs.serve --port 8081"
        ) from error
    with server:
        print_text(f"Serving the docs site at http://127.0.0.1:{server.server_port}/ until you press Ctrl-C.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print_text("")


def _first_page(settings: Settings, state: State) -> str:
    """dbt's page with the overview's placeholders filled: how fresh the data is, and the questions with their SQL."""
    manifest = json.loads((settings.dbt_target_path / "manifest.json").read_text(encoding="utf-8"))
    text = (settings.dbt_target_path / "static_index.html").read_text(encoding="utf-8")
    for broken, whole in REPAIRS.items():
        text = text.replace(broken, whole)
    pages = {"Report": "report.html", **settings.pages}
    for marker, words in (
        ("[freshness]: #", _freshness(state, pages)),
        ("[questions]: #", _questions(manifest)),
    ):
        text = text.replace(marker, in_script(words)[1:-1])
    return text


def _freshness(state: State, pages: dict[str, str]) -> str:
    links = " · ".join(f"[{name}]({page})" for name, page in pages.items() if name != "Docs")
    note = f"**{text_on_page(state.untested_note)}**\n\n" if state.untested_note else ""
    if not state.last_event:
        return f"{note}Nothing is loaded yet.\n\n{links}"
    sample = f"**{state.sample_note}** " if state.sample_note else ""
    heard = state.listening
    return (
        f"{note}{sample}Events from {moment(state.first_event)} to **{moment(state.last_event)}**. "
        f"Last loaded {moment(state.last_load)} from {text_on_page(state.places)}. "
        f"{number(heard.listeners, 'listener')} played {number(heard.songs, 'song')} by "
        f"{number(heard.artists, 'artist')}, {number(heard.plays, 'play')} in all.\n\n{links}"
    )


def _questions(manifest: dict[str, Any]) -> str:
    """The project's analyses in the order of their YAML, in plain SQL."""
    nodes = manifest["nodes"].values()
    analyses = {node["name"]: node for node in nodes if node["resource_type"] == "analysis"}
    described = yaml.safe_load((PROJECT_ROOT / "analyses" / "analyses.yml").read_text(encoding="utf-8"))
    ordered = [entry["name"] for entry in described["analyses"]]
    return "\n\n".join(
        f"**{number}. {analyses[name]['description']}**\n\n```sql\n{_plain_sql(analyses[name]['raw_code'])}\n```"
        for number, name in enumerate(ordered, start=1)
    )


def _plain_sql(code: str) -> str:
    """SQL with table names in place of ref()."""
    return REF.sub(r"analytics.\1", code).strip()
