"""The column lineage: dbt-colibri's page, which works from disk."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
from pathlib import Path

# By default the page opens on one table without lineage; open it on that of songplays instead.
_START = """<script>
if (!location.search) history.replaceState(null, "", "?model=model.sparkify.songplays&parents=all&children=0");
addEventListener("DOMContentLoaded", () => document.body.insertAdjacentHTML("beforeend",
  '<nav style="position:fixed;right:44px;bottom:3px;z-index:9;font:12px system-ui;display:flex;gap:14px">' +
  '<a href="index.html">Docs</a><a href="report.html">Report</a></nav>'));
</script>"""


def build_lineage(artifacts: Path, page: Path) -> Path:
    """Write the page from dbt's manifest and catalog in a folder, with telemetry off."""
    os.environ["DO_NOT_TRACK"] = "1"
    from dbt_colibri.lineage_extractor.extractor import DbtColumnLineageExtractor
    from dbt_colibri.report.generator import DbtColibriReportGenerator

    logging.getLogger("colibri").setLevel(logging.CRITICAL)
    page.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        extractor = DbtColumnLineageExtractor(str(artifacts / "manifest.json"), str(artifacts / "catalog.json"))
        DbtColibriReportGenerator(extractor, disable_telemetry=True).generate_report(output_dir=folder)
        text = Path(folder, "index.html").read_text(encoding="utf-8")
    page.write_text(text.replace("<head>", f"<head>{_START}", 1), encoding="utf-8")
    return page
