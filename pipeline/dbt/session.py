"""The profile's own connection, which dbt makes and keeps."""

from __future__ import annotations

import argparse
import os
from functools import cache
from typing import TYPE_CHECKING

from pipeline.dbt.environment import prepare_environment
from pipeline.errors import MachineError
from pipeline.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    from dbt.adapters.sql import SQLAdapter


def check_profile() -> None:
    if not (PROJECT_ROOT / "profiles.yml").exists():
        raise MachineError("profiles.yml is missing. Create it with: cp profiles.yml.example profiles.yml")


def close_connections() -> None:
    """Release the work file: dbt keeps its connection, and so the file's lock, after a command has ended."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


@cache
def profile_adapter(settings: Settings) -> SQLAdapter:
    """The adapter of the profile, for statements outside models. It is cached, since connecting takes a second."""
    check_profile()
    prepare_environment(settings)
    from dbt.adapters.factory import get_adapter, register_adapter
    from dbt.config.runtime import RuntimeConfig
    from dbt.flags import set_from_args
    from dbt.mp_context import get_mp_context
    from dbt_common.context import set_invocation_context
    from dbt_common.events.event_manager_client import cleanup_event_logger

    cleanup_event_logger()  # else dbt prints to standard output that it has registered an adapter
    set_invocation_context(os.environ)
    arguments = argparse.Namespace(
        project_dir=str(PROJECT_ROOT),
        profiles_dir=str(PROJECT_ROOT),
        profile=None,
        target=None,
        threads=None,
        vars={},
    )
    set_from_args(arguments, {})
    config = RuntimeConfig.from_args(arguments)
    register_adapter(config, get_mp_context())
    adapter: SQLAdapter = get_adapter(config)
    adapter.acquire_connection("sparkify")
    return adapter


def drop_profile_adapter() -> None:
    """Close the connection that profile_adapter caches; the next call opens another."""
    from dbt.adapters.factory import cleanup_connections, reset_adapters

    cleanup_connections()
    reset_adapters()
    profile_adapter.cache_clear()
