"""An instance that is to begin later does nothing before, whatever comes for it."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta

import pytest

from localdapr import instances, rows
from localdapr.engine.inbox import raised
from localdapr.engine.instance import Instance, Status
from localdapr.wire import HistoryEvent, event

NOW = 1_000_000
LATER = NOW + int(timedelta(hours=1).total_seconds() * 1_000_000)


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys=ON")
    connection.executescript(rows.SCHEMA)
    instance = Instance("shop", "i1", "e1", "story", Status.PENDING, NOW, NOW, scheduled_at=LATER)
    instances.create(connection, instance, NOW)
    yield connection
    connection.close()


def post(db: sqlite3.Connection, arrived: HistoryEvent) -> None:
    instances.post(db, instances.require(db, "shop", "i1"), arrived, NOW)


def waiting(db: sqlite3.Connection) -> list[str | None]:
    work = instances.next_work(db, instances.require(db, "shop", "i1").run, 0)
    return [e.WhichOneof("eventType") for e in work.batch] if work else []


def begin(db: sqlite3.Connection) -> None:
    ((_, timer_id),) = instances.unfinished(db, ["shop"]).timers
    instances.fire_timers(db, [timer_id], LATER)


def test_events_wait_until_it_begins_and_come_after_its_start(db) -> None:
    post(db, raised("early", None, NOW))
    assert waiting(db) == []
    begin(db)
    assert waiting(db) == ["executionStarted", "eventRaised"]


def test_suspended_before_it_begins_it_begins_when_it_is_resumed(db) -> None:
    post(db, event("executionSuspended", {}, NOW))
    begin(db)
    assert waiting(db) == []
    assert instances.require(db, "shop", "i1").instance.shown_status is Status.SUSPENDED
    post(db, event("executionResumed", {}, NOW))
    assert waiting(db) == ["executionStarted"]


def test_terminated_before_it_begins_it_ends_at_once(db) -> None:
    post(db, event("executionTerminated", {}, NOW))
    assert waiting(db) == ["executionTerminated"]


def test_terminated_while_suspended_before_it_begins_it_ends_in_its_first_turn(db) -> None:
    post(db, event("executionSuspended", {}, NOW))
    begin(db)
    post(db, event("executionTerminated", {}, NOW))
    assert waiting(db) == ["executionStarted", "executionSuspended", "executionTerminated"]
