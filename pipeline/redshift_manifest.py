"""What COPY reads besides the data, in the project's own bucket: manifests, JSONPaths files, the ledger's entries."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.errors import UsageError
from pipeline.listing import SourceFile, s3_errors
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.dbt import Dbt

ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def write_redshift_manifest(
    settings: Settings, source: str, files: list[SourceFile], load_id: str, dbt: Dbt
) -> dict[str, Any]:
    """Write the files of one load below manifests/LOAD_ID/ of the bucket; return the load macro's argument.

    A gzip file and a plain one cannot be in one COPY, so each table has up to two manifests.
    """
    _check(settings, source)
    root = f"manifests/{load_id}"
    copies: dict[tuple[str, bool], list[SourceFile]] = defaultdict(list)
    for file in files:
        copies[file.table_name, file.key.endswith(".gz")].append(file)
    tables: dict[str, dict[str, Any]] = {}
    for (table_name, is_gzip), group in sorted(copies.items()):
        table = tables.setdefault(table_name, {"copies": []})
        name = f"{root}/{table_name}{'_gzip' if is_gzip else ''}.manifest"
        entries = [{"url": f"{source}/{file.key}", "mandatory": True} for file in group]
        table["copies"].append({"manifest": _put(settings, name, json.dumps({"entries": entries})), "is_gzip": is_gzip})
        paths = [f"$['{key}']" for key in dbt.json_keys(table_name)]
        table["jsonpaths"] = _put(settings, f"{root}/{table_name}.jsonpaths", json.dumps({"jsonpaths": paths}))
    return {
        "load_id": load_id,
        "source": source,
        "tables": tables,
        "ledger": _put(settings, f"{root}/ledger.json", "\n".join(_entry(source, load_id, file) for file in files)),
        "copy_role_arn": settings.copy_role_arn,
        "region": os.environ.get("AWS_REGION", "us-west-2"),
    }


def _check(settings: Settings, source: str) -> None:
    if not source.startswith("s3://"):
        raise UsageError(f"Redshift loads from S3 only, and the source is {source}. Name an s3:// address (--source).")
    if not BUCKET.fullmatch(settings.redshift_bucket):
        raise UsageError(
            "redshift.bucket in invoke.yaml must name the project's own bucket, where manifests are written."
        )
    if not ROLE_ARN.fullmatch(settings.copy_role_arn):
        raise UsageError("redshift.copy_role_arn in invoke.yaml must be the ARN of the role that COPY reads with.")


def _put(settings: Settings, key: str, text: str) -> str:
    import boto3

    address = f"s3://{settings.redshift_bucket}/{key}"
    with s3_errors(address):
        boto3.client("s3").put_object(Bucket=settings.redshift_bucket, Key=key, Body=text.encode())
    return address


def _entry(source: str, load_id: str, file: SourceFile) -> str:
    return json.dumps(
        {
            "load_id": load_id,
            "source": source,
            "file_key": file.key,
            "table_name": file.table_name,
            "size_bytes": file.size_bytes,
            "modified_at": file.modified_at.strftime("%Y-%m-%d %H:%M:%S"),
            "etag": file.etag,
            "loaded_at": f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M:%S}",
        }
    )
