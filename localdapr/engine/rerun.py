"""A finished workflow run again from one of its events: the past up to there, and work anew.

What had completed before the event keeps its result; what was under way then, and the event
itself, is done again. Answers as the runtime does where an event cannot be rerun.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from localdapr.engine.child import child_of
from localdapr.engine.instance import Instance, Status
from localdapr.engine.turn import Task, Timer, Turn
from localdapr.errors import RerunRefusedError
from localdapr.wire import NEVER, HistoryEvent, event, microseconds

# What answers a scheduled event, and the field that names the event.
_ANSWERS = {
    "taskCompleted": "taskScheduledId",
    "taskFailed": "taskScheduledId",
    "childWorkflowInstanceCompleted": "taskScheduledId",
    "childWorkflowInstanceFailed": "taskScheduledId",
    "timerFired": "timerId",
}
_ASKS = ("taskScheduled", "timerCreated", "childWorkflowInstanceCreated")


@dataclass(frozen=True)
class RerunRequest:
    """From which event, under which id; `input` replaces the event's when `overwrite`."""

    event_id: int
    new_id: str
    overwrite: bool = False
    input: str | None = None
    new_child_id: str | None = None


def rerun(
    source: Instance,
    history: Sequence[HistoryEvent],
    asked: RerunRequest,
    now: int,
    new_ids: Iterator[str],
) -> Turn:
    """The first turn of the new instance. Raises RerunRefusedError."""
    before, target = _split(history, asked.event_id)
    kept, open_ = _settle(before)
    again = [*open_, _prepared(target, source, asked)]
    fresh = replace(
        source,
        instance_id=asked.new_id,
        execution_id=next(new_ids),
        status=Status.RUNNING,
        created_at=now,
        updated_at=now,
        started_at=now,
        completed_at=None,
        output=None,
        failure=None,
        custom_status=None,
        patches=_patches(kept),
        suspended=False,
    )
    turn = Turn(fresh, [_renamed(e, fresh) for e in kept])
    for scheduled in again:
        _do_again(turn, scheduled, asked, now, new_ids)
    return turn


def _split(
    history: Sequence[HistoryEvent], event_id: int
) -> tuple[Sequence[HistoryEvent], HistoryEvent]:
    for position, happened in enumerate(history):
        if happened.eventId == event_id:
            if happened.WhichOneof("eventType") not in _ASKS:
                raise RerunRefusedError(
                    "NOT_FOUND",
                    f"target event '{happened.WhichOneof('eventType')}' with ID '{event_id}' "
                    "is not an event that can be rerun",
                )
            copy = HistoryEvent()
            copy.CopyFrom(happened)
            return history[:position], copy
    raise RerunRefusedError("NOT_FOUND", f"does not have history event with ID '{event_id}'")


def _settle(before: Sequence[HistoryEvent]) -> tuple[list[HistoryEvent], list[HistoryEvent]]:
    """What is kept of the past, and what was still open at its end."""
    answered = set()
    for happened in before:
        kind = happened.WhichOneof("eventType")
        if kind in _ANSWERS:
            answered.add(getattr(getattr(happened, kind), _ANSWERS[kind]))
    open_ = [
        happened
        for happened in before
        if happened.WhichOneof("eventType") in _ASKS and happened.eventId not in answered
    ]
    return [happened for happened in before if happened not in open_], open_


def _patches(kept: Sequence[HistoryEvent]) -> tuple[str, ...]:
    """The patches that the kept past was made with: each turn notes all up to it."""
    turns = [happened.workflowStarted for happened in kept if happened.HasField("workflowStarted")]
    noted = [turn.version.patches for turn in turns if turn.HasField("version")]
    return tuple(noted[-1]) if noted else ()


def _prepared(target: HistoryEvent, source: Instance, asked: RerunRequest) -> HistoryEvent:
    kind = target.WhichOneof("eventType")
    payload = getattr(target, kind or "")
    payload.rerunParentInstanceInfo.instanceID = source.instance_id
    if asked.overwrite:
        if kind == "timerCreated":
            text = f"cannot write input to timer event '{asked.event_id}'"
            raise RerunRefusedError("INVALID_ARGUMENT", text)
        payload.ClearField("input")
        if asked.input is not None:
            payload.input.value = asked.input
    if asked.new_child_id is not None and kind != "childWorkflowInstanceCreated":
        text = f"cannot set new child workflow instance ID on event '{asked.event_id}'"
        raise RerunRefusedError("INVALID_ARGUMENT", text)
    return target


def _renamed(happened: HistoryEvent, fresh: Instance) -> HistoryEvent:
    if happened.HasField("executionStarted"):
        named = happened.executionStarted.workflowInstance
        named.instanceId, named.executionId.value = fresh.instance_id, fresh.execution_id
    return happened


def _do_again(
    turn: Turn, scheduled: HistoryEvent, asked: RerunRequest, now: int, new_ids: Iterator[str]
) -> None:
    scheduled.timestamp.FromMicroseconds(now)
    turn.history.append(scheduled)
    app_id = scheduled.router.targetAppID or turn.instance.app_id
    kind = scheduled.WhichOneof("eventType")
    if kind == "taskScheduled":
        turn.tasks.append(Task(app_id, scheduled))
    elif kind == "timerCreated":
        fire_at = microseconds(scheduled.timerCreated.fireAt)
        if fire_at < NEVER:
            payload = {"timerId": scheduled.eventId, "fireAt": scheduled.timerCreated.fireAt}
            turn.timers.append(Timer(fire_at, event("timerFired", payload, fire_at)))
    else:
        child_id = f"{asked.new_id}:{scheduled.eventId:04x}"
        if scheduled.eventId == asked.event_id and asked.new_child_id is not None:
            child_id = asked.new_child_id
        scheduled.childWorkflowInstanceCreated.instanceId = child_id
        turn.children.append(child_of(turn.instance, scheduled, app_id, now, next(new_ids)))
