"""dbt's docs site with an overview of our own, column lineage and the diagram of the tables: pages of one folder."""

from __future__ import annotations

import functools
import http.server
import json
import re
from pathlib import Path
from typing import Any

import yaml

from pipeline.dbt import Dbt
from pipeline.display import Display, print_text
from pipeline.erd import build_erd
from pipeline.errors import MachineError, UsageError
from pipeline.lineage import build_lineage
from pipeline.pages import in_script, text_on_page
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.state import State, moment

REF = re.compile(r"\{\{ ref\('(\w+)'\) \}\}")
# Icons and favicon that the site asks its server for before it knows their names; from disk each is an error.
REPAIRS = {
    'xlink:href="{{ getIcon(': 'ng-attr-xlink:href="{{ getIcon(',
    "${require('./assets/favicons/favicon.ico')}": "data:,",
}


def generate(dbt: Dbt, display: Display, *, is_compiled: bool) -> None:
    """Have dbt write what the site is made from: the project and the warehouse's catalog.

    is_compiled tells that a build has left the SQL of every model in dbt's manifest: it cannot be compiled again there.
    """
    arguments = ["docs", "generate", "--static", *(["--no-compile"] if is_compiled else [])]
    dbt.command(*arguments, on_progress=display.progress)


def build_site(settings: Settings, state: State, *, fingerprint: str, with_erd: bool) -> Path:
    """Write the site from what dbt has generated; return its first page.

    The diagram takes seconds for its library alone. Without it an earlier one stays if it is of the same project.
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
        print_text(f"The docs site is at http://127.0.0.1:{server.server_port}/ until Ctrl-C.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print_text("")


def _first_page(settings: Settings, state: State) -> str:
    """dbt's page with what the overview leaves open: how fresh the warehouse is, and questions with their SQL."""
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
        return f"{note}Nothing is loaded yet. {links}"
    sample = f"**{state.sample_note}** " if state.sample_note else ""
    heard = state.listening
    return (
        f"{note}{sample}**Events up to {moment(state.last_event)}**, from {moment(state.first_event)} on; last loaded "
        f"{moment(state.last_load)} from {text_on_page(state.places)}. {heard.plays:,} plays of "
        f"{heard.songs:,} songs by {heard.artists:,} artists, played by {heard.listeners:,} listeners.\n\n{links}"
    )


def _questions(manifest: dict[str, Any]) -> str:
    """The project's analyses, in the order of their YAML, as an analyst would write them."""
    nodes = manifest["nodes"].values()
    analyses = {node["name"]: node for node in nodes if node["resource_type"] == "analysis"}
    described = yaml.safe_load((PROJECT_ROOT / "analyses" / "analyses.yml").read_text(encoding="utf-8"))
    ordered = [entry["name"] for entry in described["analyses"]]
    return "\n\n".join(
        f"**{number}. {analyses[name]['description']}**\n\n```sql\n{_plain_sql(analyses[name]['raw_code'])}\n```"
        for number, name in enumerate(ordered, start=1)
    )


def _plain_sql(code: str) -> str:
    """A model's or analysis's SQL with its tables as an analyst names them."""
    return REF.sub(r"analytics.\1", code).strip()
