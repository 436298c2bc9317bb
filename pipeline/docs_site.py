"""dbt's docs site as one page that needs no server."""

from __future__ import annotations

import functools
import http.server
import shutil
from pathlib import Path

from pipeline.dbt import Dbt
from pipeline.display import Display
from pipeline.errors import PipelineError, UsageError
from pipeline.settings import Settings


def build_docs(settings: Settings, dbt: Dbt, display: Display, *, is_compiled: bool) -> Path:
    """Write the site from the project and the warehouse's catalog; return its page.

    is_compiled tells that a build has left the SQL of every model in dbt's manifest: it cannot be compiled again there.
    """
    arguments = ["docs", "generate", "--static", *(["--no-compile"] if is_compiled else [])]
    dbt.command(*arguments, on_progress=display.progress)
    settings.docs_page.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(settings.dbt_target_path / "static_index.html", settings.docs_page)
    return settings.docs_page


def serve_docs(settings: Settings) -> None:
    """Serve the site on this machine until interrupted."""
    if not settings.docs_page.exists():
        raise UsageError("There is no docs site yet. Build it with: ./inv docs.build")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(settings.docs_page.parent))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", settings.docs_port), handler)
    except OSError as error:
        raise PipelineError(
            f"Port {settings.docs_port} cannot be used: {error.strerror}. Choose another: ./inv docs.serve --port 8081"
        ) from error
    with server:
        print(f"The docs site is at http://127.0.0.1:{server.server_port}/ until Ctrl-C.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
