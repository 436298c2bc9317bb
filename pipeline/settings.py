"""The settings of one command, read once from Invoke's configuration and flags, and checked here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.foreign_text import shell_word, shown

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DEFAULT_DATABASE = PROJECT_ROOT / "sparkify.duckdb"
WAS_NAMED = PROJECT_ROOT / ".sparkify" / "source_was_named"
"""Exists once a source was named in this clone, for any of its warehouses; then no sample is made any more."""
TARGETS = ("duckdb", "redshift")
SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
LOADABLE = ("songs", "events")
MAX_ERRORS_LIMIT = 100_000  # COPY's
RESERVED = ("analytics", "staging", "test_failures", "main", "temp", "system", "information_schema", "pg_catalog")


@dataclass(frozen=True)
class Settings:
    """Where the data comes from and where the warehouse is.

    source is a folder's absolute path or an s3:// address without a slash at its end, or None for the simulated sample.
    database is the published DuckDB file (absolute). file_names are patterns of names that are loaded besides those of
    JSON files. from_flags has which of target and database the user passed as flags: advice repeats them.
    """

    target: str
    database: Path
    source: str | None
    redshift_bucket: str
    copy_role_arn: str
    docs_port: int
    file_names: tuple[str, ...] = ()
    from_flags: frozenset[str] = frozenset()

    @property
    def work_database(self) -> Path:
        """The file that dbt writes. Both files have the same stem, which views use as the catalog's name."""
        return self.database.parent / ".sparkify" / self.database.name

    @property
    def state_folder(self) -> Path:
        """The folder for a command's working files: locks and load folders."""
        return self.work_database.parent if self.target == "duckdb" else PROJECT_ROOT / ".sparkify"

    @property
    def name(self) -> str:
        """The stem of the names of the warehouse's own files."""
        return self.database.stem if self.target == "duckdb" else "redshift"

    @property
    def load_folder(self) -> Path:
        """The folder for a load's input to DuckDB."""
        return self.state_folder / f"{self.name}_loads"

    @property
    def publishing(self) -> Path:
        """The copy of the work file while it is being made."""
        return self.work_database.with_suffix(".publishing")

    @property
    def docs_page(self) -> Path:
        """The docs site, next to the database that it describes."""
        folder = self.database.parent if self.target == "duckdb" else PROJECT_ROOT
        return folder / f"{self.name}_docs" / "index.html"

    @property
    def report_page(self) -> Path:
        return self.docs_page.with_name("report.html")

    @property
    def lineage_page(self) -> Path:
        return self.docs_page.with_name("lineage.html")

    @property
    def erd_page(self) -> Path:
        return self.docs_page.with_name("erd.html")

    @property
    def pages(self) -> dict[str, str]:
        """The existing pages of the docs site, by link text."""
        pages = {
            "Docs": self.docs_page,
            "Report": self.report_page,
            "Tables": self.erd_page,
            "Lineage": self.lineage_page,
            "Notebook": self.docs_page.with_name("notebook_the_load.html"),
        }
        return {name: page.name for name, page in pages.items() if page.exists()}

    @property
    def dbt_target_path(self) -> Path:
        """Where dbt keeps the parsed project: its default, or next to a database elsewhere."""
        if self.is_default:
            return PROJECT_ROOT / (os.environ.get("DBT_TARGET_PATH") or "target")
        return self.state_folder / f"{self.name}_target"

    @property
    def dbt_log_path(self) -> Path:
        """Where dbt writes its log: its default, or next to a database elsewhere, as the project may be read-only."""
        if self.is_default:
            return Path(os.environ.get("DBT_LOG_PATH", PROJECT_ROOT / "logs"))
        return self.state_folder / f"{self.name}_logs"

    def dbt_environment(self) -> dict[str, str]:
        """The variables that dbt and profiles.yml read."""
        # The default is written as in profiles.yml, so that a plain dbt command reuses the parsed project.
        in_place = self.is_default and Path.cwd() == PROJECT_ROOT
        work = self.work_database.relative_to(PROJECT_ROOT) if in_place else self.work_database
        return {
            "SPARKIFY_TARGET": self.target,
            "SPARKIFY_WORK_DATABASE": str(work),
            "DBT_TARGET_PATH": str(self.dbt_target_path),
            "DBT_LOG_PATH": str(self.dbt_log_path),
        }

    @property
    def flags(self) -> str:
        """The flags that make another command use this warehouse, with a leading space."""
        if self.target == "redshift" or (self.is_default and "database" not in self.from_flags):
            return self._target_flag
        return f"{self._target_flag} --database {shell_word(str(self.database))}"

    @property
    def _target_flag(self) -> str:
        return f" --target {self.target}" if self.target == "redshift" or "target" in self.from_flags else ""

    @property
    def source_flag(self) -> str:
        """The flag that makes another command use this source, with a leading space; empty without a source."""
        return f" --source {shell_word(self.source)}" if self.source else ""

    @property
    def work_flags(self) -> str:
        """The flags that make a query read what is not published yet."""
        if self.target == "redshift":
            return self.flags
        return f"{self._target_flag} --database {shell_word(shown(self.work_database))}"

    @property
    def is_default(self) -> bool:
        """Whether this is the warehouse that commands for its target use without a flag."""
        return self.target == "redshift" or self.database == DEFAULT_DATABASE


def _loadables(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if unknown := sorted(names - set(LOADABLE)):
        raise UsageError(f"--only takes songs, events or both, separated by a comma; not {', '.join(unknown)}.")
    return names or frozenset(LOADABLE)


def _song_prefix(text: str) -> str:
    prefix = text.strip("/")
    if prefix and not re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", prefix):
        raise UsageError(f"--song-prefix takes a folder below song_data such as A/B; not {text!r}.")
    return prefix


def _max_errors(value: str | int) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", str(value)) or int(value) > MAX_ERRORS_LIMIT:
        raise UsageError(f"--max-errors is {value!r}; it must be a whole number from 0 to {MAX_ERRORS_LIMIT}.")
    return int(value)


def _reload(texts: Sequence[str]) -> tuple[str, ...]:
    names = tuple(text.strip() for text in texts if text.strip())
    if len(names) < len(texts):
        raise UsageError("--reload takes a file of the source, such as log_data/2018/11/2018-11-01-events.json.")
    return names


def _flag(default: Any, help: str, read: Callable[[Any], Any] = bool) -> Any:
    """A field that is a flag of every task that loads. read checks what the user passed and returns the value."""
    return field(default=default, metadata={"help": help, "read": read})


@dataclass(frozen=True)
class LoadOptions:
    """Which part of the source to load, and how. Each field is a flag, whose help says what it means."""

    only: frozenset[str] = _flag(frozenset(LOADABLE), "load only songs or only events", _loadables)
    song_prefix: str = _flag("", "load only the songs in this subfolder of song_data, such as A/B", _song_prefix)
    sample: bool = _flag(False, "load only one folder of songs and one file of events")
    add_source: bool = _flag(False, "add another source to a warehouse that has one")
    compact: bool = _flag(False, "on Redshift: merge small files before COPY reads them")
    max_errors: int = _flag(
        0, "skip up to this many bad records and keep them in load_rejects (default 0: one stops the load)", _max_errors
    )
    reload: tuple[str, ...] = _flag(
        (),
        "file or folder of the source to load again, replacing its rows, or `changed` for all changed files; can be "
        "repeated",
        _reload,
    )
    check_text: bool = _flag(
        False, "on Redshift: also check for \\u0000 and repeated keys, which COPY changes; reads each file twice"
    )

    @property
    def is_whole(self) -> bool:
        return self.only == frozenset(LOADABLE) and not self.song_prefix and not self.sample

    @classmethod
    def from_flags(cls, **flags: Any) -> LoadOptions:
        """The options of a call. A flag that was not passed, or is empty, has its default.

        Raises:
            UsageError: a flag has a value that it cannot take.
        """
        known = {each.name: each.metadata["read"] for each in fields(cls)}
        return cls(**{name: known[name](value) for name, value in flags.items() if value not in (None, "")})


def read_settings(config: Mapping[str, Any], *, target: str = "", database: str = "", source: str = "") -> Settings:
    """Settings from Invoke's configuration, overridden by flags.

    A relative path in a flag is relative to the current folder, in a setting to the project.
    """
    chosen = target or config["target"] or os.environ.get("SPARKIFY_TARGET", "") or "duckdb"
    if chosen not in TARGETS:
        raise UsageError(f"target is {chosen!r}; it must be duckdb or redshift (--target, or target in invoke.yaml).")
    schema = os.environ.get("SPARKIFY_SCHEMA", "analytics")
    if not SCHEMA.fullmatch(schema):
        raise UsageError(f"SPARKIFY_SCHEMA is {schema!r}; it must be a lowercase SQL name.")
    return Settings(
        target=chosen,
        database=_database(database or str(config["database"]), Path.cwd() if database else PROJECT_ROOT),
        source=_source(source or str(config["source"]), Path.cwd() if source else PROJECT_ROOT),
        redshift_bucket=str(config["redshift"]["bucket"]),
        copy_role_arn=str(config["redshift"]["copy_role_arn"]),
        docs_port=_port(config["docs"]["port"]),
        file_names=_file_names(str(config["file_names"])),
        from_flags=frozenset(name for name, value in {"target": target, "database": database}.items() if value),
    )


def _database(text: str, base: Path) -> Path:
    path = base / _expanded(text)
    if not re.fullmatch(r"[A-Za-z0-9_-]+\.(duckdb|db)", path.name):
        raise UsageError(
            f"database is {text!r}; its name must end in .duckdb or .db and otherwise have only letters, digits, _ and "
            "-, since it names the catalog (--database, or database in invoke.yaml)."
        )
    if path.stem.lower() in RESERVED:
        raise UsageError(f"database is {text!r}; {path.stem} is a reserved name. Choose another.")
    if re.search(r"[#?*\[\]{}]", str(path.parent)):
        raise UsageError(f"database is {text!r}; DuckDB cannot use a folder with one of #?*[]{{}} in its name.")
    if path.is_dir():
        raise UsageError(f"database is {text!r}, which is a folder; pass a file in it.")
    return path.resolve()


def _source(text: str, base: Path) -> str | None:
    if not text:
        return None
    if text.startswith("s3://"):
        if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\x00-\x1f'\"\\]*)?", text):
            raise UsageError(f"source is {text!r}; an S3 source is written s3://bucket or s3://bucket/prefix.")
        return text.rstrip("/")
    if "://" in text:
        raise UsageError(f"source is {text!r}; it must be a folder or an s3:// address.")
    return str((base / _expanded(text)).resolve())


def _file_names(text: str) -> tuple[str, ...]:
    names = tuple(name for part in text.split(",") if (name := part.strip()))
    for name in names:
        if "/" in name:
            raise UsageError(f"file_names has {name!r}; it takes file names without folders, such as *.log.")
        if name.startswith((".", "_")):
            raise UsageError(f"file_names has {name!r}; files whose names begin with . or _ are never loaded.")
    return names


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{text!r}: {error}") from error


def _port(value: Any) -> int:
    try:
        port = int(value)
    except (TypeError, ValueError):
        port = -1
    if not 0 <= port <= 65535:
        raise UsageError(f"docs.port is {value!r}; it must be a number from 0 to 65535.")
    return port
