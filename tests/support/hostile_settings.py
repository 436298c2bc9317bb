"""Values for every variable of the environment that dbt reads, each of which would change or break a run."""

from __future__ import annotations

from collections.abc import Iterator

import click
import dbt.cli.main
from dbt.env_vars import KNOWN_ENGINE_ENV_VARS

from pipeline.dbt.environment import KEPT

NOWHERE = "/no/such/folder"
# By the option's name in dbt. A flag is not here: it is turned round.
VALUES = {
    "defer_state": NOWHERE,
    "deprecated_favor_state": "1",
    "deprecated_state": NOWHERE,
    "event_time_end": "2001-01-02",
    "event_time_start": "2001-01-01",
    "exclude_resource_types": "test",
    "host": "example.invalid",
    "indirect_selection": "empty",
    "log_file_max_bytes": "1",
    "log_format": "json",
    "log_format_file": "json",
    "log_level": "debug",
    "log_level_file": "none",
    "log_path": NOWHERE,
    "partial_parse_file_path": NOWHERE,
    "printer_width": "1",
    "profile": "nobodys",
    "profiles_dir": NOWHERE,
    "project_dir": NOWHERE,
    "resource_types": "exposure",
    "sample": "1 hour",
    "sqlparse": '{"MAX_GROUPING_TOKENS": 1}',
    "state": NOWHERE,
    "target": "redshift",
    "target_path": NOWHERE,
    "warn_error_options": '{"error": "all"}',
}
# What dbt, its common library and its adapters ask the environment for by themselves.
READ_ELSEWHERE = {
    "DBT_DOWNLOADS_DIR": NOWHERE,
    "DBT_DOWNLOAD_DIR": NOWHERE,
    "DBT_ENGINE_NOT_YET_KNOWN": "1",
    "DBT_HTTP_TIMEOUT": "never",
    "DBT_INVOCATION_ENV": "hostile",
    "DBT_PACKAGE_HUB_URL": "https://example.invalid",
    "DBT_PP_FILE_DIFF_TEST": "1",
    "DBT_PP_TEST": "1",
    "DBT_RECORDED_FILE_PATH": NOWHERE,
    "DBT_RECORDER_FILE_PATH": NOWHERE,
    "DBT_RECORDER_MODE": "replay",
    "DBT_REDSHIFT_CONNECTOR_DEBUG_LOGGING": "1",
    "DBT_TEST_BINARY_SERIALIZATION": "1",
    "DBT_TEST_STATE_MODIFIED": "view",
}


def hostile_settings() -> dict[str, str]:
    """A value for each variable. An option that is new in dbt is a KeyError here: it needs one, too."""
    known = {name for variable in KNOWN_ENGINE_ENV_VARS for name in (variable.name, variable.old_name) if name}
    values = {name: _value(option) for option in _options(dbt.cli.main.cli) for name in _variables(option)}
    for name, value in READ_ELSEWHERE.items():
        values |= {name: value, name.replace("DBT_", "DBT_ENGINE_", 1): value}
    assert known <= values.keys(), known - values.keys()
    return {name: value for name, value in values.items() if name not in KEPT}


def _options(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    for below in getattr(command, "commands", {}).values():
        yield from _options(below)


def _variables(option: click.Parameter) -> list[str]:
    return [option.envvar] if isinstance(option.envvar, str) else list(option.envvar or ())


def _value(option: click.Parameter) -> str:
    if isinstance(option.type, click.types.BoolParamType):
        return "0" if option.default is True else "1"
    return VALUES[option.name]
