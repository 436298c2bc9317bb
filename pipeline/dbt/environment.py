"""Which environment variables dbt may see when the pipeline calls it.

Every dbt option can be set by a variable, such as DBT_EXCLUDE_RESOURCE_TYPES=test. Meant for dbt commands that you run
yourself, such a setting could make a run skip tests, build less or write elsewhere. So the pipeline hides all of them
from its own calls, except those listed here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from pipeline.settings import Settings

# Where dbt writes its files, and the user's own values for profiles.yml, such as DBT_ENV_SECRET_PASSWORD.
KEPT = ("DBT_LOG_PATH", "DBT_TARGET_PATH")
KEPT_PREFIX = "DBT_ENV_"


def without_dbt_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the user's settings for dbt."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("DBT_") or name in KEPT or name.startswith(KEPT_PREFIX)
    }


def prepare_environment(settings: Settings) -> None:
    """Set the environment variables that dbt needs. Call this before importing dbt, which reads some of them."""
    for name in os.environ.keys() - without_dbt_settings(os.environ).keys():
        del os.environ[name]
    os.environ.update(settings.dbt_environment())
