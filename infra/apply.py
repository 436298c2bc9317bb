"""Apply a plan: create, wait, reconcile. Every step is idempotent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from infra.errors import InfraError
from infra.plan import Action, Plan, Step
from infra.resource import Context, Found, Resource, State

# Called with the current step, for the live line: "cluster sparkify: creating".
Report = Callable[[str], None]

_POLL_SECONDS = {"cluster": 15, "workgroup": 10, "namespace": 5}
_LONGEST_WAIT_SECONDS = 5400
_MOST_CHANGES_WITHOUT_EFFECT = 12
# AWS returns these while a resource that was just created or deleted is not known everywhere yet.
_NOT_YET = (
    "DependencyViolation",
    "ResourceInUse",
    "InvalidClusterState",
    "InvalidClusterSubnetGroupStateFault",
    "InvalidClusterParameterGroupState",
    "InvalidVpcID.NotFound",
    "InvalidSubnetID.NotFound",
    "InvalidRouteTableID.NotFound",
    "InvalidGroup.NotFound",
    "InvalidInternetGatewayID.NotFound",
    "OperationAborted",
    "ConflictException",
    "DeleteConflict",
)
_NOT_YET_SECONDS = 900


def carry_out(plan: Plan, report: Report) -> str:
    """Apply the plan; return the name of the final snapshot if a warehouse was deleted, else "".

    Call Plan.check first. If this stops halfway, the next plan contains the rest.
    """
    context = plan.context
    snapshot = snapshot_name(context)
    for step in reversed(plan.with_action(Action.REPLACE)):
        _delete(step.resource, snapshot, report)
        context.ids.pop(step.resource.key, None)
    for step in plan.steps:
        match step.action:
            case Action.CREATE | Action.REPLACE:
                _create(step, report)
            case Action.CHANGE:
                _reconcile(step.resource, _wait(step.resource, report), report)
    for step in plan.with_action(Action.DELETE):
        _delete(step.resource, snapshot, report)
    return snapshot if any(_takes_snapshot(step) for step in plan.with_action(Action.REPLACE, Action.DELETE)) else ""


def tear_down(plan: Plan, *, take_snapshot: bool, report: Report) -> str:
    """Delete the plan's resources in order; return the name of the final snapshot, if any."""
    snapshot = snapshot_name(plan.context) if take_snapshot else ""
    for step in plan.steps:
        _delete(step.resource, snapshot, report)
    return snapshot if any(_takes_snapshot(step) for step in plan.steps) else ""


def _takes_snapshot(step: Step) -> bool:
    """Whether deleting it takes a snapshot; if it was being deleted already, the earlier call decided that."""
    is_leaving = step.found is not None and step.found.state is State.LEAVING
    return step.resource.key in ("cluster", "namespace") and not is_leaving


def snapshot_name(context: Context) -> str:
    return f"{context.settings.project}-final-{context.clock.now():%Y%m%d%H%M%S}"


def wait_until_ready(resource: Resource, report: Report) -> Found:
    return _wait(resource, report)


def _create(step: Step, report: Report) -> None:
    resource = step.resource
    if step.found and step.found.state is State.LEAVING:
        _wait_until_gone(resource, report)
    report(f"{resource.kind} {resource.name}: creating")
    _patiently(resource, resource.create, report)
    found = _wait(resource, report)
    if not found.belongs_to(resource.settings.project):
        raise InfraError(
            f"The {resource.kind} {resource.name} already exists without this project's tag. "
            "Choose another infra.project."
        )
    resource.context.ids[resource.key] = found.id
    _reconcile(resource, found, report)


def _reconcile(resource: Resource, found: Found, report: Report) -> None:
    before: dict[str, object] = {}
    without_effect = 0
    while differences := resource.differences(found):
        if found.state is State.PAUSED:
            raise InfraError(
                f"The {resource.kind} {resource.name} is paused and cannot be changed. "
                "Run `./inv infra.resume`, then this command again."
            )
        if resource.fixed & set(differences):
            raise InfraError(
                f"The {resource.kind} {resource.name} was changed by someone else meanwhile. Run the command again."
            )
        if differences == before:
            without_effect += 1
            if without_effect > _MOST_CHANGES_WITHOUT_EFFECT:
                raise InfraError(
                    f"The {resource.kind} {resource.name} keeps its old {', '.join(differences)}: AWS accepted the "
                    "change, but it had no effect. Check whether something else changes it back."
                )
            resource.context.clock.sleep(5)
        before = differences
        report(f"{resource.kind} {resource.name}: {', '.join(differences)}")
        _patiently(resource, partial(resource.change, found, differences), report)
        found = _wait(resource, report)
        resource.context.ids[resource.key] = found.id


def _wait(resource: Resource, report: Report) -> Found:
    """Wait until AWS has finished working on it."""
    for found in _polls(resource):
        if found is None or found.state in (State.BUSY, State.LEAVING):
            report(f"{resource.kind} {resource.name}: {found.detail if found else 'not visible yet'}")
            continue
        if found.state is State.FAILED:
            raise InfraError(
                f"The {resource.kind} {resource.name} is in the state {found.detail}. "
                "Repair it in the Redshift console, or delete it with `./inv infra.down --no-snapshot`."
            )
        return found
    raise _too_long(resource)


def _wait_until_gone(resource: Resource, report: Report) -> None:
    for found in _polls(resource):
        if found is None:
            return
        report(f"{resource.kind} {resource.name}: {found.detail or 'deleting'}")
    raise _too_long(resource)


def _delete(resource: Resource, snapshot: str, report: Report) -> None:
    """Delete it and any other resource with its name and tag, and wait until they are gone."""
    for found in _polls(resource):
        if found is None or not found.belongs_to(resource.settings.project):
            break
        report(f"{resource.kind} {resource.name}: {found.detail or 'deleting'}")
        if found.state in (State.READY, State.PAUSED, State.FAILED):
            report(f"{resource.kind} {resource.name}: deleting")
            _patiently(resource, partial(resource.delete, found, snapshot=snapshot), report)
    else:
        raise _too_long(resource)
    if snapshot:
        resource.tag_snapshot(snapshot)


def _polls(resource: Resource) -> Iterator[Found | None]:
    """Yield what is found, repeatedly with a pause between, until the longest wait is over."""
    clock = resource.context.clock
    began = clock.now()
    while (clock.now() - began).total_seconds() < _LONGEST_WAIT_SECONDS:
        yield resource.find()
        clock.sleep(_POLL_SECONDS.get(resource.key, 2))


def _patiently(resource: Resource, call: Callable[[], None], report: Report) -> None:
    """Repeat the call while AWS says that something it depends on is not there, or not gone, yet."""
    from botocore.exceptions import ClientError

    clock = resource.context.clock
    began = clock.now()
    while True:
        try:
            return call()
        except ClientError as error:
            waited = (clock.now() - began).total_seconds()
            if not _is_not_yet(error) or waited > _NOT_YET_SECONDS:
                raise
            report(f"{resource.kind} {resource.name}: waiting ({error.response['Error']['Code']})")
            clock.sleep(5)


def _is_not_yet(error: Any) -> bool:
    code, text = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    # The role was just created, and the service that is to assume it does not know it yet.
    is_new_role = code in ("ValidationException", "InvalidParameterValue") and "assume" in text
    return code in _NOT_YET or is_new_role


def _too_long(resource: Resource) -> InfraError:
    minutes = _LONGEST_WAIT_SECONDS // 60
    return InfraError(
        f"The {resource.kind} {resource.name} is not ready after {minutes} minutes. "
        "Check it with `./inv infra.status`, or run the command again to keep waiting."
    )
