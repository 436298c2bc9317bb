"""The warehouse that a notebook opens."""

from __future__ import annotations

from invoke import Config

from door.command import values_of
from pipeline.settings import PROJECT_ROOT, read_settings
from pipeline.site.notebooks import Notebook


def open_warehouse() -> Notebook:
    """The warehouse that invoke.yaml and the environment name (INVOKE_TARGET, INVOKE_DATABASE)."""
    config = Config()
    config.set_project_location(PROJECT_ROOT)
    config.load_project()
    config.load_shell_env()
    return Notebook(read_settings(values_of(config)))
