"""The folder of a simulated source: which files are the simulator's, and how a new folder replaces the old one."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError

MARKER = "simulation.json"
WRITTEN = (MARKER, "log_json_path.json", "song_data", "log_data")


def check_folder(folder: Path) -> None:
    """Refuse a folder that is not exactly as the simulator wrote it."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file; pass a folder for the simulated source.")
    names = {path.name for path in folder.iterdir()}
    if strange := sorted(names - set(WRITTEN)):
        raise UsageError(f"{folder} has files that the simulator did not write ({strange[0]}); pass a new folder.")
    if names and (_read_marker(folder).get("files") != content_hash(folder)):
        raise UsageError(f"{folder} is not as the simulator left it; pass a new folder, or remove this one yourself.")


def content_hash(folder: Path) -> str:
    """A hash of the names and contents of a simulated source's files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MARKER:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def write_marker(folder: Path, sizes: dict[str, Any], **more: str) -> None:
    """Record in the folder that the simulator made it, with the sizes and, once complete, a hash of the files."""
    (folder / MARKER).write_text(json.dumps({**sizes, **more}, indent=2) + "\n", encoding="utf-8")


def _read_marker(folder: Path) -> dict[str, Any]:
    try:
        marker: dict[str, Any] = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marker


def remove_own(folder: Path) -> None:
    """Remove what a killed simulation left next to its folder, the marker last in case this is killed too."""
    if not folder.exists():
        return
    if any(folder.iterdir()) and not _read_marker(folder):
        raise UsageError(
            f"{folder} is in the way, and the simulator did not write it. Move it, or pass another folder."
        )
    for name in ("song_data", "log_data"):
        shutil.rmtree(folder / name, ignore_errors=True)
    shutil.rmtree(folder)


def put_in_place(partial: Path, folder: Path) -> None:
    """Move a finished simulation to its folder, and remove the earlier one."""
    if folder.exists():
        old = folder.with_name(f".{folder.name}.old")
        remove_own(old)
        folder.rename(old)
        partial.rename(folder)
        remove_own(old)
    else:
        partial.rename(folder)
