"""What a workflow does in a turn, as its history records it and as today's code asks for it.

Steps are compared by what they are, not by their details: inputs, results, times and the ids of
actions may change while an instance is in flight.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from localdapr.wire import NEVER, HistoryEvent, WorkflowAction, microseconds, pb

_KINDS = {
    "taskScheduled": "activity",
    "scheduleTask": "activity",
    "childWorkflowInstanceCreated": "child workflow",
    "createChildWorkflow": "child workflow",
    "eventSent": "sending of event",
    "sendEvent": "sending of event",
}
_WAIT, _ANY_TIMER = "wait for event", "timer of unknown use"
_TIMERS = {
    None: _ANY_TIMER,  # an older SDK does not say what a timer is for
    "createTimer": "timer",
    "externalEvent": _WAIT,
    "activityRetry": "timer before a retry",
    "childWorkflowRetry": "timer before a retry",
}
_ENDS = ("executionCompleted", "completeWorkflow")
_END, _REFUSAL = "end", "refusal"


@dataclass(frozen=True)
class Step:
    """One thing that a workflow did or asks for; `note` is for the reader only.

    `endless` marks a wait without a deadline: older SDKs record none.
    """

    kind: str
    name: str = ""
    note: str = ""
    endless: bool = False

    def __str__(self) -> str:
        return " ".join(filter(None, [self.kind, self.name and repr(self.name), self.note]))

    def fits(self, asked: "Step") -> bool:
        """Whether today's `asked` is what is recorded here."""
        if self.kind == _ANY_TIMER:
            return asked.kind in _TIMERS.values()
        if self.kind == _WAIT:
            return (asked.kind, asked.name.casefold()) == (_WAIT, self.name.casefold())
        if (self.name, asked.name) == ("TERMINATED", "CONTINUED_AS_NEW"):
            return True  # a termination that comes amid a continue-as-new takes its place
        return self.kind == _REFUSAL or (self.kind, self.name) == (asked.kind, asked.name)


def recorded(events: Iterable[HistoryEvent]) -> list[Step]:
    """What the events of a turn record that the workflow did."""
    steps = [_step(e.WhichOneof("eventType"), e) for e in events]
    return [step for step in steps if step is not None]


def asked(actions: Iterable[WorkflowAction]) -> list[Step]:
    """What the answer to a turn asks for, up to its end: behind that nothing counts."""
    steps: list[Step] = []
    for action in actions:
        step = _step(action.WhichOneof("workflowActionType"), action)
        if step is not None:
            steps.append(step)
        if step is not None and step.kind == _END:
            break
    return steps


def difference(before: Sequence[Step], today: Sequence[Step]) -> str | None:
    """How today's steps differ from those that are recorded, in words; None when they fit."""
    rest, passed = list(today), [Step("nothing, it goes on waiting")]
    for number, step in enumerate(before, 1):
        while rest and rest[0].endless and not step.endless:
            passed.append(rest.pop(0))
        instead = rest.pop(0) if rest else passed[-1]
        if not step.fits(instead):
            return f"the history records as its step {number}: {step}. Today's code: {instead}."
        if step.kind == _REFUSAL:
            return None
    further = [step for step in rest if not step.endless]
    if not further:
        return None
    return f"the history records no step {len(before) + 1}. Today's code: {further[0]}."


def _step(kind: str | None, of: Any) -> Step | None:
    """The step that an event or an action of this kind is; None when histories record no such."""
    payload: Any = getattr(of, kind or "", None)
    if kind in ("timerCreated", "createTimer"):
        return _timer(payload)
    if kind in _ENDS:
        return _end(payload)
    if kind == "workflowVersionNotAvailable":
        return Step(_END, note="for want of a workflow of this version")
    return Step(_KINDS[kind], payload.name) if kind in _KINDS else None


def _timer(payload: Any) -> Step:
    use = payload.WhichOneof("origin")
    if use != "externalEvent":
        return Step(_TIMERS[use])
    endless = microseconds(payload.fireAt) >= NEVER
    return Step(_WAIT, payload.externalEvent.name, endless=endless)


def _end(payload: Any) -> Step:
    failure = payload.failureDetails
    if failure.errorType == "UnsupportedAction":
        return Step(_REFUSAL)
    status = pb.OrchestrationStatus.Name(payload.workflowStatus)
    note = f"({failure.errorType}: {failure.errorMessage})" if failure.errorType else ""
    return Step(_END, status.removeprefix("ORCHESTRATION_STATUS_"), note)
