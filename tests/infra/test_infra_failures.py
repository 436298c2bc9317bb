"""Every call of up and down fails once, in every way that a call can fail; the same command again makes it good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from aws_state import KINDS, READS, AwsState, Failures, Fault, Killed
from infra_stack import Account

from infra.errors import InfraError


def interrupted(deed: Callable[[], object]) -> bool:
    try:
        deed()
    except (InfraError, Killed):
        return True
    return False


def kills(state: AwsState, deed: Callable[[], object]) -> list[Fault]:
    """A kill right after each call that changes something: done, and nobody knows."""
    before = len(state.calls)
    deed()
    calls = state.calls[before:]
    return [Fault(number, "kill") for number, (_, name) in enumerate(calls) if not name.startswith(READS)]


@pytest.mark.parametrize("mode", ["provisioned", "serverless"])
def test_a_kill_after_any_change_is_made_good(account: Account, mode: str) -> None:
    """One at a time, each on a stack of its own, which must end like one that nothing happened to."""
    state, settings = account.state, account.settings(mode=mode, public=True, ttl="8h")
    up_kills = kills(state, lambda: account.up(settings))
    complete = state.everything()
    down_kills = kills(state, lambda: account.down(settings))
    assert state.everything() == []

    assert len(up_kills) > 25
    assert len(down_kills) > 15
    for number in range(max(len(up_kills), len(down_kills))):
        up_kill, down_kill = up_kills[number % len(up_kills)], down_kills[number % len(down_kills)]
        state.reset(fault=up_kill)
        assert interrupted(lambda: account.up(settings)), up_kill
        state.fault = None
        account.up(settings)
        assert state.everything() == complete, up_kill

        state.fault = replace(down_kill, at=len(state.calls) + down_kill.at)
        assert interrupted(lambda: account.down(settings)), down_kill
        state.fault = None
        account.down(settings)
        assert state.everything() == [], down_kill


@pytest.mark.parametrize("mode", ["provisioned", "serverless"])
@pytest.mark.parametrize(
    ("kinds", "of_looks"),
    [((kind,), False) for kind in KINDS] + [(KINDS, True)],
    ids=[f"changes {kind}" for kind in KINDS] + ["looks"],
)
def test_calls_that_fail_one_after_the_other_are_made_good(
    account: Account, mode: str, kinds: tuple[str, ...], of_looks: bool
) -> None:
    """The same command again and again; each time the first call that has not failed yet does."""
    state, settings = account.state, account.settings(mode=mode, public=True, ttl="8h")
    account.up(settings)
    complete = state.everything()
    state.reset()
    for deed, result in ((account.up, complete), (account.down, [])):
        state.failures = Failures(kinds, of_looks=of_looks)
        times = 0
        while interrupted(lambda deed=deed: deed(settings)):
            times += 1
            assert times == len(state.failures.seen) < 200
        assert times > 15
        state.failures = None
        assert state.everything() == result
