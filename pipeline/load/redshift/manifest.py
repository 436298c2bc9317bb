"""What COPY reads in addition to the data, from the project's bucket: manifests, JSONPaths files, ledger entries."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import clock
from pipeline.errors import UsageError
from pipeline.load.rejects import Reject
from pipeline.settings import MAX_ERRORS_LIMIT, Settings
from pipeline.source.listing import SourceFile
from pipeline.source.s3 import has_credentials, s3_errors, split_uri

ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True)
class CopyInput:
    """An object for one COPY to read: a source file, or a part into which several were merged."""

    table_name: str
    address: str
    compression: str


@dataclass(frozen=True)
class Manifest:
    """objects has the text of each object to write, by address; argument is the load macro's argument."""

    objects: dict[str, str]
    argument: dict[str, Any]

    def with_rejects(self, source: str, files: Sequence[SourceFile], rejects: Sequence[Reject]) -> Manifest:
        """The same load without the rejected records, which it writes to load_rejects."""
        load_id, ledger = self.argument["load_id"], self.argument["ledger"]
        address = f"{ledger.rpartition('/')[0]}/rejects.json"
        of_files = Counter(reject.problem.file_key for reject in rejects)
        of_tables = Counter(reject.table_name for reject in rejects)
        broken = Counter(item.table_name for item in rejects if not item.by_copy and not item.is_blanked)
        by_copy = sum(reject.by_copy for reject in rejects)
        rows = [{"load_id": load_id, "source": source, **reject.row()} for reject in rejects]
        argument = {
            **self.argument,
            "rejects": address,
            # one more than expected, since COPY fails at this number; 0 and 1 both allow none
            "copy_max_errors": min(MAX_ERRORS_LIMIT, max(2, by_copy + 1)) if by_copy else 0,
            "tables": {
                name: {**table, "rejects": of_tables[name], "broken": broken[name]}
                for name, table in self.argument["tables"].items()
            },
        }
        objects = {
            **self.objects,
            ledger: "\n".join(_entry(source, load_id, file, of_files[file.key]) for file in files),
            address: "\n".join(json.dumps(row, ensure_ascii=False) for row in rows),
        }
        return Manifest(objects, argument)

    def with_records(self, records: Mapping[str, int]) -> Manifest:
        """The same load, checked against these numbers of records instead of the lines that COPY scans."""
        tables = {
            name: {**table, "records": records[name]} if name in records else table
            for name, table in self.argument["tables"].items()
        }
        return Manifest({}, {**self.argument, "tables": tables})

    def write(self, s3: Any) -> None:
        """Put the objects into the bucket."""
        for address, text in self.objects.items():
            bucket, key = split_uri(address)
            with s3_errors(address):
                s3.put_object(Bucket=bucket, Key=key, Body=text.encode())


def make_manifest(
    settings: Settings,
    source: str,
    files: Sequence[SourceFile],
    inputs: Sequence[CopyInput],
    load_id: str,
    json_keys: dict[str, list[str]],
    region: str,
    *,
    replaces: bool = False,
) -> Manifest:
    """The manifest of one load, below manifests/LOAD_ID/ of the project's bucket.

    files go into the ledger, inputs are what COPY reads. One COPY reads files of one compression, so each table has a
    manifest per compression. replaces means that some of the files have rows already, which must be deleted.
    """
    root = f"s3://{settings.redshift_bucket}/manifests/{load_id}"
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in inputs:
        groups[item.table_name, item.compression].append(item.address)
    objects = {f"{root}/ledger.json": "\n".join(_entry(source, load_id, file) for file in files)}
    tables: dict[str, dict[str, Any]] = {}
    for (table_name, compression), addresses in sorted(groups.items()):
        paths = f"{root}/{table_name}.jsonpaths"
        table = tables.setdefault(table_name, {"copies": [], "jsonpaths": paths, "rejects": 0, "broken": 0})
        address = f"{root}/{table_name}{f'_{compression}' if compression else ''}.manifest"
        entries = [{"url": item, "mandatory": True} for item in addresses]
        objects[address] = json.dumps({"entries": entries}, ensure_ascii=False)
        objects[table["jsonpaths"]] = json.dumps({"jsonpaths": [f"$['{key}']" for key in json_keys[table_name]]})
        table["copies"].append({"manifest": address, "compression": compression})
    argument = {
        "load_id": load_id,
        "source": source,
        "replaces": replaces,
        "tables": tables,
        "ledger": f"{root}/ledger.json",
        "copy_role_arn": settings.copy_role_arn,
        "region": region,
        "copy_max_errors": 0,
    }
    return Manifest(objects, argument)


def check_redshift_settings(settings: Settings, source: str) -> None:
    """Refuse settings with which COPY cannot work, before anything is listed or written."""
    if not source.startswith("s3://"):
        raise UsageError(
            f"Redshift loads from S3 only, but the source is {source}. Pass an s3:// address with --source."
        )
    if not BUCKET.fullmatch(settings.redshift_bucket):
        raise UsageError(
            "redshift.bucket must name the project's own bucket, where manifests are written. Set it in invoke.yaml or "
            "INVOKE_REDSHIFT_BUCKET."
        )
    if not ROLE_ARN.fullmatch(settings.copy_role_arn):
        raise UsageError(
            "redshift.copy_role_arn must be the ARN of the role that COPY reads with. Set it in invoke.yaml or "
            "INVOKE_REDSHIFT_COPY_ROLE_ARN."
        )
    with s3_errors(source):
        is_signed = has_credentials()
    if not is_signed:
        raise UsageError(
            "No AWS credentials were found. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: a load on "
            f"Redshift writes its manifest to s3://{settings.redshift_bucket}."
        )


def _entry(source: str, load_id: str, file: SourceFile, rejected_count: int = 0) -> str:
    return json.dumps(
        {
            "load_id": load_id,
            "source": source,
            "file_key": file.key,
            "table_name": file.table_name,
            "size_bytes": file.size_bytes,
            "modified_at": file.modified_at.strftime("%Y-%m-%d %H:%M:%S"),
            "etag": file.etag,
            "rejected_count": rejected_count,
            "status": "loaded",
            "loaded_at": f"{clock.now():%Y-%m-%d %H:%M:%S}",
        },
        ensure_ascii=False,
    )
