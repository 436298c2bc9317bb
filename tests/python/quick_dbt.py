"""Imported for what it does to dbt: nine tenths of a test's time in a process with thousands of modules are saved.

For a name in an event that nobody reads, each adapter that dbt makes looks for the module of every frame of the stack
among all that are loaded, some times over.
"""

from __future__ import annotations

from dbt_common.behavior_flags import BehaviorFlagRendered

BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")
