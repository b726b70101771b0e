"""One turn of a workflow: the worker's answer to new events, as new history and messages.

The worker replays the history, applies the new events and answers with actions. Each action has
one function here, found by its name in a table; together they fill a `Turn`, which says all that
is to be saved. Nothing is saved or sent here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from localdapr.engine.child import Message, answer, child_of
from localdapr.engine.instance import Instance, Parent, Status
from localdapr.wire import (
    NEVER,
    HistoryEvent,
    WorkflowAction,
    WorkflowResponse,
    copy_optional,
    event,
    microseconds,
    optional_text,
    pb,
    text,
)


@dataclass(frozen=True, slots=True)
class Task:
    """An activity to run: its `taskScheduled` event, and the app whose worker runs it."""

    app_id: str
    scheduled: HistoryEvent


@dataclass(frozen=True, slots=True)
class Timer:
    """An event that comes to the instance itself at a given time."""

    fire_at: int
    event: HistoryEvent


@dataclass(slots=True)
class Turn:
    """What a turn leaves behind.

    `history` is appended, or replaces all history when the workflow `restarted` (continue-as-new);
    `carried` are events that go to the front of the restarted instance's inbox. A `stalled` turn
    did not happen: its events stay in the inbox until a worker with other code takes them. A
    terminated workflow passes `terminate_children` on to all its children that still run.
    """

    instance: Instance
    history: list[HistoryEvent] = field(default_factory=list)
    restarted: bool = False
    stalled: bool = False
    carried: list[HistoryEvent] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    children: list[Instance] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    terminate_children: HistoryEvent | None = None


def finish_turn(
    instance: Instance,
    events: Sequence[HistoryEvent],
    response: WorkflowResponse,
    now: int,
    new_ids: Iterator[str],
) -> Turn:
    """The turn in which `events` (as made by `begin_turn`) were answered with `response`.

    `new_ids` gives an execution id for each workflow that the turn starts.
    """
    mismatch = _stall_reason(instance, response)
    if mismatch is not None:
        return _stall(instance, mismatch, now)
    turn = Turn(_begun(instance, response, now), list(events))
    _note_version(turn, response)
    for action in response.actions:
        unknown = _unsupported(action)
        if unknown is not None:
            _refuse(turn, action, unknown, now, new_ids)
            break
        _APPLY[action.WhichOneof("workflowActionType")](turn, action, now, new_ids)
        # A worker that was told of more events goes on with its code even after the end.
        if turn.restarted or turn.instance.status.is_final:
            break
    if turn.instance.status is Status.TERMINATED:
        turn.terminate_children = _recursive_termination(events)
    return turn


def _stall_reason(
    instance: Instance, response: WorkflowResponse
) -> "pb.ExecutionStalledEvent | None":
    """Why today's code may not go on with this history; None when it may."""
    for action in response.actions:
        if action.HasField("workflowVersionNotAvailable"):
            return pb.ExecutionStalledEvent(
                reason=pb.VERSION_NOT_AVAILABLE,
                description=f"Version not available: {instance.version or ''}",
            )
    now_applied = tuple(response.version.patches)
    if now_applied[: len(instance.patches)] == instance.patches:
        return None
    return pb.ExecutionStalledEvent(
        reason=pb.PATCH_MISMATCH,
        description=f"Patch mismatch. History patches: [{', '.join(instance.patches)}], "
        f"current patches: [{', '.join(now_applied)}]. ",
    )


def _stall(instance: Instance, reason: "pb.ExecutionStalledEvent", now: int) -> Turn:
    stalled = replace(instance, status=Status.STALLED, updated_at=now)
    repeated = instance.status is Status.STALLED
    history = [] if repeated else [event("executionStalled", reason, now)]
    return Turn(stalled, history, stalled=True)


def _begun(instance: Instance, response: WorkflowResponse, now: int) -> Instance:
    """A turn that was run takes the instance out of PENDING, and out of STALLED."""
    return replace(
        instance,
        status=Status.RUNNING,
        started_at=instance.started_at or now,
        updated_at=now,
        custom_status=optional_text(response, "customStatus"),
        version=response.version.name or instance.version,
        patches=tuple(response.version.patches),
    )


def _note_version(turn: Turn, response: WorkflowResponse) -> None:
    """The version and patches that the code chose belong to the history: a replay repeats them."""
    if response.HasField("version"):
        turn.history[0].workflowStarted.version.CopyFrom(response.version)


def _recursive_termination(events: Sequence[HistoryEvent]) -> HistoryEvent | None:
    for happened in events:
        if happened.HasField("executionTerminated") and happened.executionTerminated.recurse:
            return happened
    return None


def _schedule_task(turn: Turn, action: WorkflowAction, now: int, _: Iterator[str]) -> None:
    asked = action.scheduleTask
    payload = pb.TaskScheduledEvent(name=asked.name, taskExecutionId=asked.taskExecutionId)
    copy_optional(asked, payload, "version", "input")
    _note_trace(turn.instance, payload)
    scheduled = _from_action("taskScheduled", payload, turn, action, now)
    turn.history.append(scheduled)
    turn.tasks.append(Task(_target_app(turn, action), scheduled))


def _create_timer(turn: Turn, action: WorkflowAction, now: int, _: Iterator[str]) -> None:
    asked = action.createTimer
    payload = pb.TimerCreatedEvent(fireAt=asked.fireAt)
    if asked.HasField("name"):
        payload.name = asked.name
    origin = asked.WhichOneof("origin")
    if origin:
        getattr(payload, origin).CopyFrom(getattr(asked, origin))
    turn.history.append(_from_action("timerCreated", payload, turn, action, now))
    fire_at = microseconds(asked.fireAt)
    if fire_at < NEVER:
        fired = event("timerFired", {"timerId": action.id, "fireAt": asked.fireAt}, fire_at)
        turn.timers.append(Timer(fire_at, fired))


def _create_child(turn: Turn, action: WorkflowAction, now: int, new_ids: Iterator[str]) -> None:
    asked, parent = action.createChildWorkflow, turn.instance
    child_id = asked.instanceId or f"{parent.instance_id}:{action.id:04x}"
    payload = pb.ChildWorkflowInstanceCreatedEvent(name=asked.name, instanceId=child_id)
    copy_optional(asked, payload, "version", "input")
    _note_trace(parent, payload)
    created = _from_action("childWorkflowInstanceCreated", payload, turn, action, now)
    turn.history.append(created)
    app_id = _target_app(turn, action)
    turn.children.append(child_of(parent, created, app_id, now, next(new_ids)))


def _send_event(turn: Turn, action: WorkflowAction, now: int, _: Iterator[str]) -> None:
    asked = action.sendEvent
    target = asked.instance.instanceId
    sent = pb.EventSentEvent(instanceId=target, name=asked.name)
    raised = pb.EventRaisedEvent(name=asked.name)
    if asked.HasField("data"):
        sent.input.CopyFrom(asked.data)
        raised.input.CopyFrom(asked.data)
    turn.history.append(_from_action("eventSent", sent, turn, action, now))
    arrives = event("eventRaised", raised, now)
    turn.messages.append(Message(_target_app(turn, action), target, arrives))


def _terminate_other(turn: Turn, action: WorkflowAction, now: int, _: Iterator[str]) -> None:
    asked = action.terminateWorkflow
    payload = pb.ExecutionTerminatedEvent(recurse=asked.recurse)
    if asked.HasField("reason"):
        payload.input.CopyFrom(asked.reason)
    ends = event("executionTerminated", payload, now)
    turn.messages.append(Message(_target_app(turn, action), asked.instanceId, ends))


def _complete(turn: Turn, action: WorkflowAction, now: int, new_ids: Iterator[str]) -> None:
    asked = action.completeWorkflow
    if asked.workflowStatus == pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW:
        ends = [e.executionTerminated for e in turn.history if e.HasField("executionTerminated")]
        if not ends:
            _continue_as_new(turn, action, now, next(new_ids))
            return
        # It came behind the event that began anew, and would be lost with the history.
        asked = pb.CompleteWorkflowAction(
            workflowStatus=pb.ORCHESTRATION_STATUS_TERMINATED,
            result=text(optional_text(ends[0], "input")),
        )
    _end(turn, action, asked, now)


def _end(turn: Turn, action: WorkflowAction, asked: "pb.CompleteWorkflowAction", now: int) -> None:
    status = Status(asked.workflowStatus)
    payload = pb.ExecutionCompletedEvent(workflowStatus=asked.workflowStatus)
    copy_optional(asked, payload, "result", "failureDetails")
    turn.history.append(_from_action("executionCompleted", payload, turn, action, now))
    failed = asked.HasField("failureDetails")
    turn.instance = replace(
        turn.instance,
        status=status,
        completed_at=now,
        output=optional_text(asked, "result"),
        failure=asked.failureDetails.SerializeToString() if failed else None,
    )
    if turn.instance.parent is not None:
        turn.messages.append(answer(turn.instance.parent, asked, now))


def _continue_as_new(turn: Turn, action: WorkflowAction, now: int, execution_id: str) -> None:
    """Begin the workflow again with a new input and an empty history."""
    asked, before = action.completeWorkflow, turn.instance
    turn.instance = replace(
        before,
        execution_id=execution_id,
        input=optional_text(asked, "result"),
        version=optional_text(asked, "newVersion") or before.version,
        patches=(),
    )
    turn.restarted = True
    turn.history = []
    turn.carried = [started(turn.instance, now), *asked.carryoverEvents]


def started(instance: Instance, now: int) -> HistoryEvent:
    """The event that begins an instance."""
    payload = pb.ExecutionStartedEvent(
        name=instance.name, input=text(instance.input), version=text(instance.version)
    )
    payload.workflowInstance.instanceId = instance.instance_id
    payload.workflowInstance.executionId.value = instance.execution_id
    payload.tags.update(instance.tags)
    _note_trace(instance, payload)
    if instance.scheduled_at is not None:
        payload.scheduledStartTimestamp.FromMicroseconds(instance.scheduled_at)
    if instance.parent is not None:
        payload.parentInstance.CopyFrom(_parent_info(instance.parent))
    begins = event("executionStarted", payload, now)
    begins.router.sourceAppID = instance.app_id
    return begins


def _parent_info(parent: Parent) -> "pb.ParentInstanceInfo":
    info = pb.ParentInstanceInfo(taskScheduledId=parent.task_id, appID=parent.app_id)
    info.name.value = parent.name
    info.workflowInstance.instanceId = parent.instance_id
    info.workflowInstance.executionId.value = parent.execution_id
    return info


def _unsupported(action: WorkflowAction) -> str | None:
    """What localdapr does not have and the action asks for, in words."""
    kind = action.WhichOneof("workflowActionType")
    if kind is None or kind not in _APPLY:
        return f"the workflow action {kind}"
    if getattr(getattr(action, kind), "historyPropagationScope", 0):
        return "history propagation"
    return None


def _refuse(
    turn: Turn, action: WorkflowAction, what: str, now: int, new_ids: Iterator[str]
) -> None:
    """What localdapr does not have fails the workflow, by name, rather than be lost."""
    failed = WorkflowAction(id=action.id)
    failed.completeWorkflow.workflowStatus = pb.ORCHESTRATION_STATUS_FAILED
    failed.completeWorkflow.failureDetails.errorType = "UnsupportedAction"
    failed.completeWorkflow.failureDetails.errorMessage = (
        f"localdapr does not support {what}; use the Dapr runtime"
    )
    _complete(turn, failed, now, new_ids)


def _from_action(
    kind: str, payload: object, turn: Turn, action: WorkflowAction, now: int
) -> HistoryEvent:
    happened = event(kind, payload, now, action.id)
    happened.router.sourceAppID = turn.instance.app_id
    if action.HasField("router") and action.router.HasField("targetAppID"):
        happened.router.targetAppID = action.router.targetAppID
    return happened


def _target_app(turn: Turn, action: WorkflowAction) -> str:
    if action.HasField("router") and action.router.targetAppID:
        return action.router.targetAppID
    return turn.instance.app_id


def _note_trace(instance: Instance, payload: Any) -> None:
    """Activities and children belong to the trace that their workflow was started in."""
    if instance.trace is not None:
        payload.parentTraceContext.traceParent = instance.trace
        payload.parentTraceContext.spanID = instance.trace.split("-")[2]


_APPLY: dict[str | None, Callable[[Turn, WorkflowAction, int, Iterator[str]], None]] = {
    "scheduleTask": _schedule_task,
    "createTimer": _create_timer,
    "createChildWorkflow": _create_child,
    "sendEvent": _send_event,
    "terminateWorkflow": _terminate_other,
    "completeWorkflow": _complete,
}
