"""Warehouses made in this process, each with a source to put files into."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

from pipeline.console.display import Display
from pipeline.dbt.runner import Dbt
from pipeline.dbt.session import close_connections
from pipeline.load.load import load, plan_load
from pipeline.load.plan import LoadReport
from pipeline.settings import LoadOptions, Settings, read_settings
from pipeline.warehouse.warehouse import Warehouse

CONFIG = {
    "target": "",
    "database": "sparkify.duckdb",
    "source": "",
    "file_names": "",
    "redshift": {"bucket": "", "copy_role_arn": ""},
    "docs": {"port": 8080},
}


@dataclass(frozen=True)
class Bench:
    """A warehouse in a folder of its own, and a source to put files into."""

    settings: Settings
    dbt: Dbt
    source: Path

    def put(self, name: str, *records: dict[str, Any] | str | bytes, end: bytes = b"") -> Path:
        """Write a file of the source: one line for each record, as JSON unless it is text already."""
        lines = [
            record
            if isinstance(record, bytes)
            else record.encode()
            if isinstance(record, str)
            else json.dumps(record, ensure_ascii=False).encode()
            for record in records
        ]
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\n".join(lines) + end)
        return path

    @property
    def engine_name(self) -> str:
        """Its name in docs/promises.md."""
        return "DuckDB"

    @property
    def address_of_source(self) -> str:
        return str(self.source)

    def load(self, **flags: Any) -> LoadReport:
        """Load what is new."""
        plan = plan_load(self.settings, self.address_of_source, LoadOptions.from_flags(**flags))
        return load(self.settings, plan, self.dbt, Display(quiet=True))

    def other_source(self, folder: Path) -> Bench:
        """The same warehouse with another source."""
        return replace(self, source=folder)

    def build(self, *, tests: bool = True) -> None:
        """Build every model, and test them. A fresh parse each time: building writes into the manifest."""
        kinds = ["--exclude-resource-type", "unit_test"] + ([] if tests else ["--exclude-resource-type", "test"])
        Dbt(self.settings).command("build", *kinds)
        close_connections()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return Warehouse(self.settings).query(sql).rows

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the star and the models below it, sorted, load ids left out."""
        columns: dict[str, list[str]] = {}
        for schema, table, column in self.rows(
            "select table_schema, table_name, column_name from information_schema.columns where table_schema = "
            "'analytics' or (table_schema = 'staging' and (table_name like 'stg%' or table_name like 'int%')) "
            "order by table_schema, table_name, ordinal_position"
        ):
            if not column.endswith("load_id"):
                columns.setdefault(f"{schema}.{table}", []).append(column)
        return {
            table: sorted(self.rows(f"select {', '.join(names)} from {table}"), key=repr)
            for table, names in columns.items()
        }


@dataclass(frozen=True)
class RedshiftBench(Bench):
    """A warehouse on Redshift or its stand-in, and a prefix of the project's own bucket as its source."""

    address: str

    @property
    def engine_name(self) -> str:
        return "stand-in" if os.environ["SPARKIFY_REDSHIFT_HOST"] == "127.0.0.1" else "Redshift"

    def put(self, name: str, *records: dict[str, Any] | str | bytes, end: bytes = b"") -> Path:
        path = super().put(name, *records, end=end)
        bucket, _, prefix = self.address.removeprefix("s3://").partition("/")
        boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/{name}".lstrip("/"), Body=path.read_bytes())
        return path

    def take(self, name: str) -> None:
        """Take a file of the source away."""
        bucket, _, prefix = self.address.removeprefix("s3://").partition("/")
        boto3.client("s3").delete_object(Bucket=bucket, Key=f"{prefix}/{name}")

    def other_source(self, folder: Path) -> Bench:
        return replace(self, source=folder, address=f"{self.address}-{folder.name}")

    @property
    def address_of_source(self) -> str:
        return self.address


def make_redshift_bench(manifests: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> RedshiftBench:
    """A bench on the Redshift that the environment leads to."""
    monkeypatch.setenv("DBT_TARGET_PATH", str(folder / "target"))
    monkeypatch.setenv("DBT_LOG_PATH", str(folder / "logs"))
    redshift = {name: os.environ[f"INVOKE_REDSHIFT_{name.upper()}"] for name in ("bucket", "copy_role_arn")}
    address = f"s3://{redshift['bucket']}/acceptance/{uuid4().hex}"
    settings = read_settings({**CONFIG, "target": "redshift", "source": address, "redshift": redshift})
    host = os.environ["SPARKIFY_REDSHIFT_HOST"]
    if host not in manifests:
        manifests[host] = Dbt(settings).parse()
    return RedshiftBench(settings, Dbt(settings, manifests[host]), folder / "source", address)
