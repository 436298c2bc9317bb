"""The flags that every task that loads has: the fields of LoadOptions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any

from pipeline.settings import LoadOptions

FLAGS = fields(LoadOptions)
LOAD_HELP = {field.name.replace("_", "-"): field.metadata["help"] for field in FLAGS}
REPEATED = [field.name for field in FLAGS if isinstance(field.default, tuple)]


def takes_load_options(body: Callable[..., Any]) -> Callable[..., Any]:
    """Give a task these flags. Its body gets them as one argument, options."""
    own = [parameter for parameter in inspect.signature(body).parameters.values() if parameter.name != "options"]
    flags = [inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=_unset(field)) for field in FLAGS]

    @functools.wraps(body)
    def wrapper(*arguments: Any, **given: Any) -> Any:
        options = {field.name: given.pop(field.name) for field in FLAGS if field.name in given}
        return body(*arguments, options=LoadOptions.from_flags(**options), **given)

    vars(wrapper)["__signature__"] = inspect.Signature([*own, *flags])  # what Invoke reads
    return wrapper


def _unset(field: Field[Any]) -> Any:
    """What Invoke is to take for a flag that was not passed; it reads the kind of the flag from this."""
    return False if isinstance(field.default, bool) else None if field.name in REPEATED else ""
