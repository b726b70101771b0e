import dataclasses

import pytest

from localdapr.engine.inbox import begin_turn, next_batch, raised, receive
from localdapr.engine.instance import Instance, Status
from localdapr.wire import HistoryEvent, event

NOW = 1_000_000
RUNNING = Instance("shop", "i1", "e1", "story", Status.RUNNING, created_at=1, updated_at=1)
SUSPENDED = dataclasses.replace(RUNNING, suspended=True)


def suspend() -> HistoryEvent:
    return event("executionSuspended", {}, NOW)


def resume() -> HistoryEvent:
    return event("executionResumed", {}, NOW)


@pytest.mark.parametrize("status", [s for s in Status if s.is_final])
def test_a_finished_instance_ignores_every_event(status: Status) -> None:
    ended = dataclasses.replace(RUNNING, status=status)
    assert receive(ended, raised("go", None, NOW), NOW) is None


def test_a_suspend_shows_at_once() -> None:
    after = receive(RUNNING, suspend(), NOW)
    assert after is not None
    assert after.shown_status is Status.SUSPENDED


def test_a_second_suspend_is_ignored_because_it_would_wedge_the_worker() -> None:
    assert receive(SUSPENDED, suspend(), NOW) is None


def test_a_needless_resume_is_ignored_because_it_would_fail_the_workflow() -> None:
    assert receive(RUNNING, resume(), NOW) is None


def test_events_for_a_suspended_instance_are_kept() -> None:
    assert receive(SUSPENDED, raised("go", None, NOW), NOW) is SUSPENDED


def test_a_suspend_only_ever_begins_a_batch() -> None:
    go = raised("go", None, NOW)
    assert next_batch([go, go, suspend(), go]) == 2
    assert next_batch([suspend(), go, resume(), suspend()]) == 3
    assert next_batch([go]) == 1


def test_a_turn_begins_with_the_time_that_the_workflow_will_see() -> None:
    first, second = begin_turn([raised("go", "1", NOW)], NOW)
    assert first.HasField("workflowStarted")
    assert first.timestamp.ToMicroseconds() == NOW
    assert second.eventRaised.input.value == "1"
