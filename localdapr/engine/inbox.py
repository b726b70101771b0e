"""What an event does when it arrives at an instance, before any workflow code sees it.

Decides whether the event is queued, and what the header says from then on. Never runs a turn.
"""

from collections.abc import Sequence
from dataclasses import replace

from localdapr.engine.instance import Instance
from localdapr.wire import HistoryEvent, event, timestamp

_ANSWERS = frozenset(
    [
        "taskCompleted",
        "taskFailed",
        "timerFired",
        "childWorkflowInstanceCompleted",
        "childWorkflowInstanceFailed",
    ]
)


def receive(instance: Instance, arrived: HistoryEvent, now: int) -> Instance | None:
    """The header after `arrived` is queued, or None when the event is to be ignored.

    A finished instance ignores everything, as the real runtime does. A second suspend and a
    needless resume are ignored too: sent on, the first makes the SDK's worker spin for ever and
    the second fails the workflow.
    """
    if instance.status.is_final:
        return None
    kind = arrived.WhichOneof("eventType")
    if kind == "executionSuspended":
        return None if instance.suspended else replace(instance, suspended=True, updated_at=now)
    if kind == "executionResumed":
        return replace(instance, suspended=False, updated_at=now) if instance.suspended else None
    return instance


def first_batch(instance: Instance, inbox: Sequence[HistoryEvent]) -> int:
    """As `next_batch`, for an execution that has no history yet.

    0 until its start has come, and while it is suspended: then it begins when it is resumed.
    A termination ends it in its first turn; before its start, without a look at its code.
    """
    if inbox and inbox[0].HasField("executionTerminated"):
        return 1
    if not inbox or not inbox[0].HasField("executionStarted"):
        return 0
    if any(waiting.HasField("executionTerminated") for waiting in inbox):
        return len(inbox)
    return 0 if instance.suspended else next_batch(inbox)


def next_batch(inbox: Sequence[HistoryEvent]) -> int:
    """How many events from the front of the inbox go into the next turn.

    A suspend may only begin a turn. Behind other events it would stand in the history before
    the actions that those events caused, and the SDK, which holds back everything between
    suspend and resume, would then cause them a second time when it replays.
    """
    for position, waiting in enumerate(inbox):
        if position and waiting.WhichOneof("eventType") == "executionSuspended":
            return position
    return len(inbox)


def outlives(waiting: HistoryEvent) -> bool:
    """Whether a waiting event goes on to the execution that a continue-as-new begins.

    The answer to a task of the former execution does not: the new one counts its tasks anew,
    and would take it for the answer to its own.
    """
    return waiting.WhichOneof("eventType") not in _ANSWERS


def begin_turn(batch: Sequence[HistoryEvent], now: int) -> list[HistoryEvent]:
    """The new events of a turn: the mark that gives the workflow its time, then the batch."""
    started = HistoryEvent(eventId=-1, timestamp=timestamp(now))
    started.workflowStarted.SetInParent()
    return [started, *batch]


def raised(name: str, payload: str | None, now: int) -> HistoryEvent:
    """An external event, as a client or another workflow raises it."""
    happened = event("eventRaised", {"name": name}, now)
    if payload is not None:
        happened.eventRaised.input.value = payload
    return happened
