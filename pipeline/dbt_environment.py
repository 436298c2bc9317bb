"""What dbt may read of the environment when the pipeline calls it.

Each option of dbt can be set by a variable, DBT_EXCLUDE_RESOURCE_TYPES=test for one. Meant for dbt commands by hand,
such a setting could make a run skip tests, build less or write elsewhere, so the pipeline hides all of them from its
own calls but those listed here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from pipeline.settings import Settings

# Where dbt writes its files, and values of the user's own that profiles.yml can read: DBT_ENV_SECRET_PASSWORD.
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
    """Give this process the environment that dbt needs; before dbt is imported, which reads some of it."""
    for name in os.environ.keys() - without_dbt_settings(os.environ).keys():
        del os.environ[name]
    os.environ.update(settings.dbt_environment())
