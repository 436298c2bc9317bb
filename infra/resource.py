"""The base of every resource: found by name and tag, compared, created, changed, deleted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from infra.aws import PROJECT_TAG, Aws, Clock, tags_of
from infra.prices import Cost
from infra.settings import InfraSettings


class State(StrEnum):
    READY = "ready"
    BUSY = "busy"  # AWS is working on it
    PAUSED = "paused"
    LEAVING = "leaving"  # being deleted
    FAILED = "failed"


@dataclass(frozen=True)
class Found:
    """A resource as it exists in AWS. attributes are those of Resource.wanted; detail is AWS's name for the state."""

    id: str
    attributes: Mapping[str, Any]
    tags: Mapping[str, str]
    state: State = State.READY
    detail: str = ""

    def belongs_to(self, project: str) -> bool:
        return self.tags.get(PROJECT_TAG) == project


@dataclass(frozen=True)
class Context:
    """What the resources of one command share. ids has the IDs found or created so far, by the resource's key.

    aws is None for an offline plan.
    """

    settings: InfraSettings
    aws: Aws | None
    clock: Clock
    zones: tuple[str, ...] = ()
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def online(self) -> Aws:
        if self.aws is None:
            raise RuntimeError("a call to AWS while offline")
        return self.aws

    def id_of(self, key: str) -> str:
        return self.ids.get(key, f"({key}, not created yet)")


class Resource(ABC):
    """One resource of the stack. find, create, change and delete call AWS; everything else is pure and works offline.

    create makes the bare resource with its tags. Whatever it still lacks is then a difference like any other, so an
    interrupted command and drift are handled by the same code.
    """

    kind: ClassVar[str]
    key: str
    name: str
    why: str
    holds_data: ClassVar[bool] = False
    fixed: ClassVar[frozenset[str]] = frozenset()  # attributes that cannot be changed in place

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
        """Set some or all of these attributes; called again while any differs."""

    @abstractmethod
    def delete(self, found: Found, *, snapshot: str = "") -> None:
        """Start the deletion. snapshot names the final snapshot of a resource that holds data, "" for none."""

    def tag_snapshot(self, snapshot: str) -> None:  # noqa: B027  most have no snapshot
        """Tag the final snapshot, so that infra.find lists it when everything else is gone."""

    def differences(self, found: Found) -> dict[str, object]:
        """The attributes that differ, with their wanted values."""
        return {name: value for name, value in self.wanted().items() if found.attributes.get(name) != value}
