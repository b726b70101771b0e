"""Whether today's workflow code can go on with a recorded history.

For each turn of the history, the code replays what had happened before it and takes what came
in then, as it would for an instance that was in flight at that moment: it may not fail, unless
that is recorded, and what is new in it is behind a patch. Then it replays the turn itself, and
must ask for what is recorded. The SDK's executor is the judge of both.
"""

import json
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from localdapr.errors import LocalDaprError, UsageError
from localdapr.replay_step import Step, asked, difference, recorded
from localdapr.wire import Executor, HistoryEvent, WorkflowAction, WorkflowResponse, pb

_DONE = frozenset(
    [
        "taskScheduled",
        "timerCreated",
        "childWorkflowInstanceCreated",
        "eventSent",
        "executionCompleted",
        "executionStalled",
    ]
)
_RERUN = ("taskScheduled", "timerCreated", "childWorkflowInstanceCreated")


class IncompatibleCodeError(LocalDaprError):
    """Workflow code has changed so that instances in flight could not go on."""


@dataclass(frozen=True)
class RecordedTurn:
    """What had happened before, what came in, what the workflow did then, and how it ended.

    `steps` is None where the record does not tell: a rerun takes what was under way from the
    turns that asked for it, and asks again in its own first turn.
    """

    past: Sequence[HistoryEvent]
    new: Sequence[HistoryEvent]
    steps: Sequence[Step] | None
    ended_as: int | None

    @property
    def came_in(self) -> str:
        """The kinds of the events that the turn took."""
        kinds = [str(e.WhichOneof("eventType")) for e in self.new]
        return ", ".join(kinds[1:]) or kinds[0]


def replay_history(executor: Executor, history: Sequence[HistoryEvent]) -> None:
    """Raise IncompatibleCodeError where an instance in flight could not have gone on.

    Raises UsageError when no workflow's beginning is recorded.
    """
    begin = next((e.executionStarted for e in history if e.HasField("executionStarted")), None)
    if begin is None:
        raise UsageError(
            f"a history of {len(history)} events without executionStarted cannot be replayed: "
            "no workflow has begun in it"
        )
    instance_id = begin.workflowInstance.instanceId
    for number, turn in enumerate(_turns(history), 1):
        reason = _broken_by(turn, executor.run_turn(instance_id, turn.past, turn.new))
        reason = reason or _departure(executor, instance_id, turn)
        if reason is not None:
            raise IncompatibleCodeError(
                f"workflow {begin.name!r} cannot go on with a recorded history: "
                f"in turn {number} ({turn.came_in}), {reason} Instances in flight would fail or "
                "leave their path. Keep the old path for them: put the "
                "change behind ctx.is_patched('<name of the change>')"
            )


def save_history(path: Path, history: Sequence[HistoryEvent]) -> None:
    """Record a history as JSON, to be replayed in later test runs.

    Without its stack traces: they name the folders of the machine, and no replay reads them.
    """
    recorded = json_format.MessageToDict(pb.GetInstanceHistoryResponse(events=history))
    text = json.dumps(_without_traces(recorded), indent=2, sort_keys=True)
    path.write_text(text + "\n")


def _without_traces(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_traces(v) for k, v in value.items() if k != "stackTrace"}
    return [_without_traces(each) for each in value] if isinstance(value, list) else value


def load_history(path: Path) -> list[HistoryEvent]:
    """A history that `save_history` recorded."""
    recorded = json_format.Parse(path.read_text(), pb.GetInstanceHistoryResponse())
    return list(recorded.events)


def _turns(history: Sequence[HistoryEvent]) -> Iterator[RecordedTurn]:
    starts = [n for n, e in enumerate(history) if e.HasField("workflowStarted")]
    for begin, end in zip(starts, [*starts[1:], len(history)], strict=True):
        events = history[begin:end]
        ends = [e.executionCompleted for e in events if e.HasField("executionCompleted")]
        new = [e for e in events if e.WhichOneof("eventType") not in _DONE]
        steps = None if any(map(_is_rerun, history[begin:])) else recorded(events)
        yield RecordedTurn(history[:begin], new, steps, ends[0].workflowStatus if ends else None)


def _is_rerun(happened: HistoryEvent) -> bool:
    kind = happened.WhichOneof("eventType")
    return kind in _RERUN and getattr(happened, kind).HasField("rerunParentInstanceInfo")


def _departure(executor: Executor, instance_id: str, turn: RecordedTurn) -> str | None:
    """How today's code leaves the recorded path when it replays the turn; None when it does not.

    All of the turn is the past here, so that a change behind a patch stays out of it: the only
    new event is the mark of a next turn, which sets the clock and runs no code.
    """
    if turn.steps is None:
        return None
    mark = HistoryEvent(eventId=-1, timestamp=turn.new[0].timestamp)
    mark.workflowStarted.SetInParent()
    answer = executor.run_turn(instance_id, [*turn.past, *turn.new], [mark])
    given_a_deadline = {e.eventId for e in turn.past if _is_endless(e)}
    left = [action for action in answer.actions if not _is_wait_of(action, given_a_deadline)]
    return difference(turn.steps, asked(left))


def _is_endless(happened: HistoryEvent) -> bool:
    return happened.HasField("timerCreated") and all(s.endless for s in recorded([happened]))


def _is_wait_of(action: WorkflowAction, ids: Set[int]) -> bool:
    """Whether a wait without a deadline got one: the SDK then asks for its timer every turn."""
    return action.id in ids and action.createTimer.HasField("externalEvent")


def _broken_by(turn: RecordedTurn, response: WorkflowResponse) -> str | None:
    """Why the turn contradicts the record; None when it does not."""
    before = [e.workflowStarted.version.patches for e in turn.past if e.HasField("workflowStarted")]
    applied = list(before[-1]) if before else []
    if list(response.version.patches)[: len(applied)] != applied:
        return f"today's code no longer has the patches {applied} that the history was made with."
    for action in response.actions:
        failure = action.completeWorkflow.failureDetails
        if failure.errorType and turn.ended_as != pb.ORCHESTRATION_STATUS_FAILED:
            return f"today's code ends with {failure.errorType}: {failure.errorMessage}"
        if failure.errorType == "NonDeterminismError":
            return failure.errorMessage
    return None
