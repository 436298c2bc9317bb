"""Undo and reload where rows do not know their file, and where connections are lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from benches import RedshiftBench
from deliveries import DELIVERIES, assert_holds, plan, statuses, undo
from records import make_event

from pipeline.errors import PipelineError
from pipeline.run import undo as undo_module
from redshift_stand_in.connection import Connection
from redshift_stand_in.errors import ConnectionLost, RedshiftError
from redshift_stand_in.wire import Message

pytestmark = pytest.mark.usefixtures("jumping_clock")


def test_a_file_that_is_gone_from_a_load_of_several_is_named_on_redshift(redshift_bench: RedshiftBench) -> None:
    for key, delivered in DELIVERIES.items():
        redshift_bench.put(key, *delivered)
    load_id = redshift_bench.load().load_id
    redshift_bench.take("log_data/3.json")
    with pytest.raises(PipelineError, match="log_data/3.json") as refused:
        plan(redshift_bench, "log_data/1.json")
    assert f"./inv load.undo {load_id}" in str(refused.value)
    # The way out that it names.
    undo(redshift_bench, load_id)
    redshift_bench.load(reload=["log_data/1.json", "log_data/2.json", "song_data"])
    assert_holds(redshift_bench, [key for key in DELIVERIES if key != "log_data/3.json"])


def test_a_changed_file_beside_the_one_that_is_named_stops_the_load(redshift_bench: RedshiftBench) -> None:
    for key, delivered in DELIVERIES.items():
        redshift_bench.put(key, *delivered)
    redshift_bench.load()
    for number in (1, 2):
        redshift_bench.put(f"log_data/{number}.json", make_event(itemInSession=50 + number))
    with pytest.raises(PipelineError, match="changed since it was loaded: log_data/2.json"):
        plan(redshift_bench, "log_data/1.json")


class Disturbance:
    """Does something to the connection that undoes a load, in place of its statement number `at`."""

    def __init__(self, at: int, action: Callable[[Connection], None]) -> None:
        self.at = at
        self.action = action
        self.undoing: Connection | None = None
        self.seen = 0

    def __call__(self, connection: Connection, message: Message) -> None:
        text = b"" if message.kind != b"P" else message.body.lower()
        if b"temporary table undoing" in text:
            self.undoing = self.undoing or connection
        if connection is self.undoing and text:
            self.seen += 1
            if self.seen == self.at:
                return self.action(connection)
        return TAKE(connection, message)


TAKE = Connection._take


def cut(connection: Connection) -> None:
    connection.cut()
    raise ConnectionLost


def conflict(connection: Connection) -> None:
    """The adapter answers with the same statement on a new connection, be it COMMIT."""
    connection._fail(RedshiftError("could not complete because of conflict with concurrent transaction"))


@pytest.mark.parametrize("action", [cut, conflict])
def test_an_undo_with_something_in_its_way_is_whole(
    redshift_bench: RedshiftBench,
    monkeypatch: pytest.MonkeyPatch,
    figures: Callable[..., None],
    action: Callable[[Connection], None],
) -> None:
    """At each of its statements in turn."""
    monkeypatch.setattr(undo_module, "PAUSE_SECONDS", 0)
    redshift_bench.put("log_data/1.json", make_event())
    for at in range(1, 20):
        load_id = redshift_bench.load(only="events", reload=["log_data"]).load_id
        disturbance = Disturbance(at, action)
        monkeypatch.setattr(Connection, "_take", lambda *arguments, disturbance=disturbance: disturbance(*arguments))
        undo(redshift_bench, load_id)
        monkeypatch.setattr(Connection, "_take", TAKE)
        assert redshift_bench.rows("select count(*) from staging_events") == [(0,)], at
        assert statuses(redshift_bench)[load_id, "log_data/1.json"] == "undone", at
        if disturbance.seen < at:
            break
    assert at > 7
    figures(
        2, "load.undo's transaction, disconnected or in conflict at each statement", redshift_bench.engine_name, at - 1
    )
