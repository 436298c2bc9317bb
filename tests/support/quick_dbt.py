"""Imported for what it does to dbt: nine tenths of a test's time in a process with thousands of modules are saved.

For names that nobody reads, each adapter that dbt makes and each connection to Redshift that it opens look for the
module of every frame of the stack among all that are loaded.
"""

from __future__ import annotations

from functools import partial

import redshift_connector
from dbt_common.behavior_flags import BehaviorFlagRendered

BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")
redshift_connector.connect = partial(redshift_connector.connect, application_name="dbt")
