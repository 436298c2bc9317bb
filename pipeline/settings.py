"""The settings of one command, read once from Invoke's configuration and flags, and checked here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
TARGETS = ("duckdb", "redshift")
SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
LOADABLE = ("songs", "events")


@dataclass(frozen=True)
class Settings:
    """Where the data comes from and where the warehouse is.

    source is a folder's absolute path or an s3:// address without a slash at its end, or None for the simulated sample.
    database is the published DuckDB file (absolute).
    """

    target: str
    database: Path
    source: str | None
    redshift_bucket: str
    copy_role_arn: str
    docs_port: int

    @property
    def work_database(self) -> Path:
        """The file that dbt writes. Both files have one stem: views name their catalog after it."""
        return self.database.parent / ".sparkify" / self.database.name

    @property
    def state_folder(self) -> Path:
        """Where a command keeps what it needs while it works: locks and load folders."""
        return self.work_database.parent if self.target == "duckdb" else PROJECT_ROOT / ".sparkify"

    @property
    def docs_page(self) -> Path:
        return PROJECT_ROOT / "target" / "docs" / "index.html"

    def dbt_environment(self) -> dict[str, str]:
        """The variables that profiles.yml reads."""
        return {"SPARKIFY_TARGET": self.target, "SPARKIFY_WORK_DATABASE": str(self._relative(self.work_database))}

    @staticmethod
    def _relative(path: Path) -> Path:
        # As profiles.yml writes it by default, so that a plain dbt command finds the same parsed project.
        return path.relative_to(PROJECT_ROOT) if path.is_relative_to(PROJECT_ROOT) else path


@dataclass(frozen=True)
class LoadOptions:
    """Which part of the source a load takes. song_prefix is a folder below song_data, such as A/B."""

    only: frozenset[str] = frozenset(LOADABLE)
    song_prefix: str = ""
    sample: bool = False
    add_source: bool = False

    @classmethod
    def from_flags(
        cls, *, only: str = "", song_prefix: str = "", sample: bool = False, add_source: bool = False
    ) -> LoadOptions:
        names = frozenset(name.strip() for name in only.split(",") if name.strip()) or frozenset(LOADABLE)
        if unknown := sorted(names - set(LOADABLE)):
            raise UsageError(f"--only takes songs, events or both, separated by a comma; not {', '.join(unknown)}.")
        prefix = song_prefix.strip("/")
        if prefix and not re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", prefix):
            raise UsageError(f"--song-prefix takes a folder below song_data such as A/B; not {song_prefix!r}.")
        return cls(only=names, song_prefix=prefix, sample=sample, add_source=add_source)


def read_settings(config: Mapping[str, Any], *, target: str = "", database: str = "", source: str = "") -> Settings:
    """Settings from Invoke's configuration, with the flags that were given in their place."""
    chosen = target or config["target"] or os.environ.get("SPARKIFY_TARGET", "") or "duckdb"
    if chosen not in TARGETS:
        raise UsageError(f"target is {chosen!r}; it must be duckdb or redshift (--target, or target in invoke.yaml).")
    schema = os.environ.get("SPARKIFY_SCHEMA", "analytics")
    if not SCHEMA.fullmatch(schema):
        raise UsageError(f"SPARKIFY_SCHEMA is {schema!r}; it must be a lowercase SQL name.")
    return Settings(
        target=chosen,
        database=_database(database or str(config["database"])),
        source=_source(source or str(config["source"])),
        redshift_bucket=str(config["redshift"]["bucket"]),
        copy_role_arn=str(config["redshift"]["copy_role_arn"]),
        docs_port=_port(config["docs"]["port"]),
    )


def _database(text: str) -> Path:
    path = Path(text).expanduser()
    path = path if path.is_absolute() else PROJECT_ROOT / path
    if not re.fullmatch(r"[A-Za-z0-9_-]+\.(duckdb|db)", path.name):
        raise UsageError(
            f"database is {text!r}; name a file that ends in .duckdb, of letters, digits, _ and - "
            "(--database, or database in invoke.yaml)."
        )
    if path.is_dir():
        raise UsageError(f"database is {text!r}, which is a folder; name a file in it.")
    return path.resolve()


def _source(text: str) -> str | None:
    if not text:
        return None
    if text.startswith("s3://"):
        if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\x00-\x1f'\"\\]*)?", text):
            raise UsageError(f"source is {text!r}; an S3 source is written s3://bucket or s3://bucket/prefix.")
        return text.rstrip("/")
    return str(Path(text).expanduser().resolve())


def _port(value: Any) -> int:
    try:
        port = int(value)
    except (TypeError, ValueError):
        port = -1
    if not 0 <= port <= 65535:
        raise UsageError(f"docs.port is {value!r}; it must be a number from 0 to 65535.")
    return port
