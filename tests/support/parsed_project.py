"""The project, parsed as this module is imported: what a fork server has ready for each process that it forks.

A build writes into the manifest that it is given, so that every build needs one of its own; a fork is one for nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import dbt.adapters.duckdb
import dbt.cli.main
import dbt.task.build
import dbt.task.run_operation  # noqa: F401  what each step would import
import quick_dbt  # noqa: F401

import pipeline.load.load
import pipeline.run.run  # noqa: F401
from pipeline.dbt.runner import Dbt
from pipeline.settings import PROJECT_ROOT, Settings


def _parse() -> Dbt:
    folder = Path(tempfile.mkdtemp(prefix="parsed-"))
    os.environ["DBT_TARGET_PATH"] = str(folder / "target")
    os.environ["DBT_LOG_PATH"] = str(folder / "logs")
    if not (PROJECT_ROOT / "profiles.yml").exists():
        shutil.copyfile(PROJECT_ROOT / "profiles.yml.example", PROJECT_ROOT / "profiles.yml")
    settings = Settings(
        target="duckdb",
        database=folder / "sparkify.duckdb",
        source=None,
        redshift_bucket="",
        copy_role_arn="",
        docs_port=0,
    )
    manifest = Dbt(settings).parse()
    shutil.rmtree(folder)
    return manifest


MANIFEST = _parse()
