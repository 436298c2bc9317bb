"""Compare the wanted stack with what exists, and plan the steps between them. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from infra.errors import InfraError, InfraUsageError
from infra.prices import Cost, total
from infra.resource import Context, Found, Resource, State
from infra.stack import everything, stack, unwanted

# Deleted together with their namespace.
_ON_THE_NAMESPACE = ("workgroup", "usage limit")


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    KEEP = "keep"
    REPLACE = "replace"  # delete and create again, because it cannot be changed in place
    DELETE = "delete"
    FOREIGN = "not ours"  # has the project's name but not its tag


@dataclass(frozen=True)
class Step:
    """One resource, the action planned for it, and the attributes that differ from the settings."""

    action: Action
    resource: Resource
    found: Found | None = None
    differences: Mapping[str, object] = field(default_factory=dict)

    @property
    def loses_data(self) -> bool:
        return self.resource.holds_data and self.action in (Action.REPLACE, Action.DELETE)


@dataclass(frozen=True)
class Plan:
    """The steps in the order of creation; deletions come last."""

    context: Context
    steps: tuple[Step, ...]

    @property
    def is_done(self) -> bool:
        return all(step.action is Action.KEEP for step in self.steps)

    @property
    def cost(self) -> Cost:
        return total([step.resource.cost() for step in self.steps if step.action is not Action.DELETE])

    def with_action(self, *actions: Action) -> list[Step]:
        return [step for step in self.steps if step.action in actions]

    def check(self, *, may_replace: bool = False) -> None:
        """Refuse steps that are never allowed, or that were not asked for."""
        if foreign := self.with_action(Action.FOREIGN):
            names = ", ".join(f"{step.resource.kind} {step.resource.name}" for step in foreign)
            raise InfraError(
                f"These already exist without this project's tag: {names}. Nothing was changed. "
                "Choose another infra.project (or infra.bucket), or delete them yourself."
            )
        for step in self.with_action(Action.REPLACE):
            if not step.resource.holds_data and step.resource.key not in _ON_THE_NAMESPACE:
                raise InfraUsageError(
                    f"The {step.resource.kind} {step.resource.name} cannot be given another "
                    f"{', '.join(step.differences)} while the warehouse is in it. "
                    "Restore the setting, or run `./inv infra.down` first."
                )
        if not may_replace and (losing := [step for step in self.steps if step.loses_data]):
            what = ", ".join(_losing(step) for step in losing)
            raise InfraUsageError(
                f"These settings would delete data: {what}. Nothing was changed. Restore the settings, "
                "or pass --replace to take a final snapshot and start with an empty warehouse."
            )


def make_plan(context: Context) -> Plan:
    """Look up every resource and compare it; offline, none exists."""
    if context.aws is None:
        return Plan(context, tuple(Step(Action.CREATE, resource) for resource in stack(context)))
    steps = [_step(resource) for resource in stack(context)]
    if any(step.action is Action.REPLACE and step.resource.key == "namespace" for step in steps):
        steps = [
            replace(step, action=Action.REPLACE)
            if step.found and step.resource.key in _ON_THE_NAMESPACE
            else Step(Action.CREATE, step.resource)
            if step.resource.key == "grant"
            else step
            for step in steps
        ]
    leaving = [Step(Action.DELETE, resource, found) for resource, found in _ours(context, unwanted(context))]
    return Plan(context, (*steps, *reversed(leaving)))


def plan_to_delete(context: Context) -> Plan:
    """All existing resources of this project, in the order of deletion."""
    steps = [Step(Action.DELETE, resource, found) for resource, found in _ours(context, everything(context))]
    return Plan(context, tuple(reversed(steps)))


def _step(resource: Resource) -> Step:
    found = resource.find()
    if found is None:
        return Step(Action.CREATE, resource)
    if not found.belongs_to(resource.settings.project):
        return Step(Action.FOREIGN, resource, found)
    resource.context.ids[resource.key] = found.id
    if found.state is State.LEAVING:
        return Step(Action.CREATE, resource, found)
    # While AWS is working on it, or it is broken, there is nothing to compare: infra.up waits and looks again.
    if found.state in (State.BUSY, State.FAILED):
        return Step(Action.CHANGE, resource, found)
    differences = resource.differences(found)
    if resource.fixed & set(differences):
        return Step(Action.REPLACE, resource, found, differences)
    return Step(Action.CHANGE if differences else Action.KEEP, resource, found, differences)


def _ours(context: Context, resources: list[Resource]) -> list[tuple[Resource, Found]]:
    pairs = []
    for resource in resources:
        found = resource.find()
        if found and found.belongs_to(context.settings.project):
            context.ids[resource.key] = found.id
            pairs.append((resource, found))
    return pairs


def _losing(step: Step) -> str:
    name = f"{step.resource.kind} {step.resource.name}"
    if step.action is Action.DELETE:
        return f"the {name} is not part of them"
    return f"the {name} cannot be given another {', '.join(set(step.differences) & step.resource.fixed)}"
