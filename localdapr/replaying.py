"""Whether today's workflow code can go on with a recorded history.

For each turn of the history, the code replays what had happened before it and takes what came
in then, as it would for an instance that was in flight at that moment. A turn may do something
new; it may not contradict what is recorded before it. The SDK's executor is the judge.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from localdapr.errors import LocalDaprError
from localdapr.wire import Executor, HistoryEvent, WorkflowResponse, pb

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


class IncompatibleCodeError(LocalDaprError):
    """Workflow code has changed so that instances in flight could not go on."""


@dataclass(frozen=True)
class RecordedTurn:
    """What had happened before, what came in, and how the workflow ended in it, if it did."""

    past: Sequence[HistoryEvent]
    new: Sequence[HistoryEvent]
    ended_as: int | None


def replay_history(executor: Executor, history: Sequence[HistoryEvent]) -> None:
    """Raise IncompatibleCodeError where an instance in flight could not have gone on."""
    begin = next(e.executionStarted for e in history if e.HasField("executionStarted"))
    instance_id = begin.workflowInstance.instanceId
    for number, turn in enumerate(_turns(history), 1):
        response = executor.run_turn(instance_id, turn.past, turn.new)
        reason = _broken_by(turn, response)
        if reason is not None:
            raise IncompatibleCodeError(
                f"workflow {begin.name!r} cannot go on with a recorded history: in turn {number}, "
                f"{reason} Instances in flight would fail. Keep the old path for them: put the "
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
        yield RecordedTurn(history[:begin], new, ends[0].workflowStatus if ends else None)


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
