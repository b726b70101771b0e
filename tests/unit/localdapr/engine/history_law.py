"""What is true of every history, whatever happened."""

from collections.abc import Sequence

from localdapr.wire import HistoryEvent

ASKS = {
    "taskScheduled": "task",
    "timerCreated": "timer",
    "childWorkflowInstanceCreated": "child",
}
ANSWERS = {
    "taskCompleted": ("task", "taskScheduledId"),
    "taskFailed": ("task", "taskScheduledId"),
    "timerFired": ("timer", "timerId"),
    "childWorkflowInstanceCompleted": ("child", "taskScheduledId"),
    "childWorkflowInstanceFailed": ("child", "taskScheduledId"),
}


def check_history(events: Sequence[HistoryEvent]) -> None:
    """Begins once, ends at most once, ids without a gap, each answer once and to what was asked."""
    kinds = [happened.WhichOneof("eventType") for happened in events]
    if not kinds:
        return
    if kinds == ["workflowStarted", "executionTerminated", "executionCompleted"]:
        return  # ended before it began
    assert kinds[:2] == ["workflowStarted", "executionStarted"], kinds
    assert kinds.count("executionStarted") == 1
    assert "executionCompleted" not in kinds[:-1]
    _check_ids(events)
    _check_answers(events)
    _check_suspension(events)


def _check_ids(events: Sequence[HistoryEvent]) -> None:
    asked = [e.eventId for e in events if e.WhichOneof("eventType") in ASKS]
    assert sorted(asked) == list(range(1, len(asked) + 1))
    ended = [e.eventId for e in events if e.HasField("executionCompleted")]
    assert all(number > len(asked) for number in ended)


def _check_answers(events: Sequence[HistoryEvent]) -> None:
    open_: set[tuple[str, int]] = set()
    for happened in events:
        kind = happened.WhichOneof("eventType") or ""
        if kind in ASKS:
            open_.add((ASKS[kind], happened.eventId))
        elif kind in ANSWERS:
            what, field = ANSWERS[kind]
            answered = (what, getattr(getattr(happened, kind), field))
            assert answered in open_, f"{answered} was not asked, or was answered twice"
            open_.remove(answered)


def _check_suspension(events: Sequence[HistoryEvent]) -> None:
    """Between suspend and resume nothing is asked for, and only a termination ends it."""
    suspended = terminated = False
    for happened in events:
        kind = happened.WhichOneof("eventType") or ""
        terminated |= kind == "executionTerminated"
        if kind in ("executionSuspended", "executionResumed"):
            assert suspended == (kind == "executionResumed")
            suspended = not suspended
        assert not (suspended and kind in ASKS)
        assert not (suspended and kind == "executionCompleted" and not terminated)
