"""A hash of everything except the data that a build is made from."""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import version
from pathlib import Path

from pipeline.settings import PROJECT_ROOT, Settings

BUILT_FROM = ("dbt_project.yml", "profiles.yml", "models", "macros", "seeds", "analyses", "docs/site", "tests/dbt")


def project_fingerprint(settings: Settings) -> str:
    """SHA-256, in hex, of the dbt project's files, the target, the reader and the versions of dbt and DuckDB."""
    digest = hashlib.sha256(settings.target.encode())
    digest.update(os.environ.get("SPARKIFY_READER", "").encode())
    for package in ("dbt-core", "duckdb"):
        digest.update(version(package).encode())
    for name in BUILT_FROM:
        for path in _files(PROJECT_ROOT / name):
            digest.update(f"\0{path.relative_to(PROJECT_ROOT).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    return [path] if path.exists() else []
