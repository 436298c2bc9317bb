"""What every kind of thing in the stack is: found by name and tag, compared, made, mended, deleted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from infra.aws import PROJECT_TAG, Aws, Clock, tags_of
from infra.prices import Cost
from infra.settings import InfraSettings


class State(StrEnum):
    READY = "ready"
    BUSY = "busy"  # AWS is at work on it
    PAUSED = "paused"
    LEAVING = "leaving"  # being deleted
    FAILED = "failed"


@dataclass(frozen=True)
class Found:
    """A thing as AWS has it. attributes are those of Resource.wanted; detail is AWS's own word for the state."""

    id: str
    attributes: Mapping[str, object]
    tags: Mapping[str, str]
    state: State = State.READY
    detail: str = ""

    def belongs_to(self, project: str) -> bool:
        return self.tags.get(PROJECT_TAG) == project


@dataclass(frozen=True)
class Context:
    """What the resources of one command share. ids has what was found or made so far, by the resource's key.

    aws is None where only the plan is asked for, offline.
    """

    settings: InfraSettings
    aws: Aws | None
    clock: Clock
    zones: tuple[str, ...] = ()
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def online(self) -> Aws:
        if self.aws is None:
            raise RuntimeError("asked of AWS while offline")
        return self.aws

    def id_of(self, key: str) -> str:
        return self.ids.get(key, f"({key}, not there yet)")


class Resource(ABC):
    """One thing of the stack. find and the deeds talk to AWS, all else is pure and works offline.

    create makes the bare thing, tagged from its first moment on; what it still lacks is then a difference like any
    other, so that a command that was cut short and drift are mended in the same way.
    """

    kind: ClassVar[str]
    key: str
    name: str
    why: str
    holds_data: ClassVar[bool] = False
    fixed: ClassVar[frozenset[str]] = frozenset()  # attributes that only a new one can have otherwise

    def __init__(self, context: Context) -> None:
        self.context = context
        self.settings = context.settings

    @property
    def tags(self) -> dict[str, str]:
        return tags_of(self.settings.project, self.name)

    @property
    def aws(self) -> Aws:
        return self.context.online

    def cost(self) -> Cost:
        return Cost()

    @abstractmethod
    def wanted(self) -> dict[str, object]: ...

    @abstractmethod
    def find(self) -> Found | None: ...

    @abstractmethod
    def create(self) -> None: ...

    @abstractmethod
    def change(self, found: Found, differences: Mapping[str, object]) -> None:
        """Bring some or all of these attributes to what is wanted; called again while any differs."""

    @abstractmethod
    def delete(self, found: Found, *, snapshot: str = "") -> None:
        """Begin the deletion. snapshot is the name of a final snapshot for what holds data, or empty for none."""

    def tag_snapshot(self, snapshot: str) -> None:  # noqa: B027  most have none
        """Give a final snapshot the project's tag, so that it is found when all else is gone."""

    def differences(self, found: Found) -> dict[str, object]:
        """The attributes that are not as wanted, with what is wanted."""
        return {name: value for name, value in self.wanted().items() if found.attributes.get(name) != value}
