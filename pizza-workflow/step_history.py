"""What a workflow has done, step by step, as the engine's history has it. Pure functions.

The SDK's events do not say which step they try again, which timer fired, or under which id a child
runs. That follows: a step that is scheduled after one of its name failed is the next try of it; a
turn that schedules nothing but a timer waits, until the next turn does something; and the shop
names its children itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from dapr.ext.workflow import WorkflowHistoryEvent, WorkflowHistoryEventType

from pizza_common.event import moment

Kind = Literal["activity", "child", "wait", "event", "pause"]
State = Literal["running", "retrying", "done", "failed", "stopped"]

_Type = WorkflowHistoryEventType

_KINDS: dict[_Type, Kind] = {
    _Type.TASK_SCHEDULED: "activity",
    _Type.CHILD_WORKFLOW_INSTANCE_CREATED: "child",
}
_DONE = frozenset({_Type.TASK_COMPLETED, _Type.CHILD_WORKFLOW_INSTANCE_COMPLETED})
_FAILED = frozenset({_Type.TASK_FAILED, _Type.CHILD_WORKFLOW_INSTANCE_FAILED})
_ENDS = frozenset({_Type.EXECUTION_COMPLETED, _Type.EXECUTION_TERMINATED})

_ACTS = _ENDS | set(_KINDS)

_LONGEST_ERROR = 300
_FAILURES = 25


@dataclass
class Step:
    """A step; `failures` are the times and errors of tries that failed, the last ones."""

    kind: Kind
    name: str
    began_at: str
    ended_at: str | None = None
    state: State = "running"
    tries: int = 1
    failures: list[tuple[str, str]] = field(default_factory=list)
    instance: str | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it lasts."""
        return None if self.ended_at is None else seconds_between(self.began_at, self.ended_at)


@dataclass(frozen=True)
class History:
    """The steps of one workflow, in the order in which they began."""

    began_at: str | None
    ended_at: str | None
    steps: list[Step]


def history_of(instance: str, events: Sequence[WorkflowHistoryEvent], pizzas: int = 1) -> History:
    """The steps of the workflow of this id, whose order has so many pizzas."""
    reading = _Reading(ChildNames(instance, pizzas))
    for turn in _turns(events):
        reading.take(turn)
    return History(reading.began_at, reading.ended_at, reading.steps)


def seconds_between(began_at: str, ended_at: str) -> float:
    """The seconds from one moment to another."""
    passed = datetime.fromisoformat(ended_at) - datetime.fromisoformat(began_at)
    return round(passed.total_seconds(), 3)


class _Reading:
    """How far the events are read."""

    def __init__(self, names: ChildNames) -> None:
        self.began_at: str | None = None
        self.ended_at: str | None = None
        self.steps: list[Step] = []
        self._names = names
        self._scheduled: dict[int, Step] = {}
        self._waits: Step | None = None
        self._pause: Step | None = None

    def take(self, turn: Sequence[WorkflowHistoryEvent]) -> None:
        """One turn: what came to the workflow, and what it scheduled then."""
        failed: list[Step] = []
        for event in turn:
            self._came(event, failed)
            if event.event_type in _KINDS:
                self._schedule(event)
        timers = [event for event in turn if event.event_type == _Type.TIMER_CREATED]
        does = any(event.event_type in _ACTS for event in turn)
        if does or timers:
            self._wait_ends(turn)
        if timers and failed:  # the waits of a retry policy
            for step in failed:
                step.state, step.ended_at = "retrying", None
        elif timers and not does:
            self._waits = self._begin("wait", "timer", timers[-1])

    def _came(self, event: WorkflowHistoryEvent, failed: list[Step]) -> None:
        at, kind = _at(event), event.event_type
        if kind == _Type.EXECUTION_STARTED:
            self.began_at = self.began_at or at
        elif kind in _DONE or kind in _FAILED:
            step = self._scheduled.get(event.task_scheduled_id or 0)
            if step is not None:
                failed += [step] if _close(step, event) else []
        elif kind == _Type.EVENT_RAISED:
            self._begin("event", event.name or "event", event, "done").ended_at = at
        elif kind == _Type.EXECUTION_SUSPENDED:
            self._pause = self._pause or self._begin("pause", "paused", event)
        elif kind == _Type.EXECUTION_RESUMED:
            _end(self._pause, at, "done")
            self._pause = None
        elif kind in _ENDS:
            self._stop(at)

    def _schedule(self, event: WorkflowHistoryEvent) -> None:
        kind, name = _KINDS[event.event_type], event.name or "unnamed"
        before = self._failed_before(name) if kind == "activity" else None
        if before is not None:
            before.tries, before.state, before.ended_at = before.tries + 1, "running", None
            self._scheduled[event.event_id] = before
            return
        step = self._begin(kind, name, event)
        if kind == "child":
            step.instance = self._names.name(step)
        self._scheduled[event.event_id] = step

    def _failed_before(self, name: str) -> Step | None:
        return next((s for s in self.steps if s.name == name and s.state == "retrying"), None)

    def _wait_ends(self, turn: Sequence[WorkflowHistoryEvent]) -> None:
        if self._waits is None:
            return
        raised = [event.name for event in turn if event.event_type == _Type.EVENT_RAISED]
        self._waits.name = next((name for name in raised if name), self._waits.name)
        _end(self._waits, _at(turn[0]), "done")
        self._waits = None

    def _begin(
        self, kind: Kind, name: str, event: WorkflowHistoryEvent, state: State = "running"
    ) -> Step:
        self.steps.append(Step(kind, name, _at(event), state=state))
        return self.steps[-1]

    def _stop(self, at: str) -> None:
        self.ended_at = at
        for step in self.steps:
            if step.state == "retrying":
                step.state, step.ended_at = "failed", step.failures[-1][0]
            elif step.ended_at is None:
                step.state, step.ended_at = "stopped", at
        self._waits = self._pause = None


class ChildNames:
    """The ids that the shop gives to child workflows, in the order in which they are created.

    A round tries all pizzas, and then, as often as it has to, those that failed.
    """

    def __init__(self, instance: str, pizzas: int) -> None:
        self._instance = instance
        self._rounds = 0
        self._try = 1
        self._left = list(range(1, pizzas + 1))
        self._tried: list[tuple[int, Step]] = []

    def name(self, step: Step) -> str | None:
        """The id of the child of this step; None for one that the shop does not name."""
        if step.name == "cook_round":
            self._rounds += 1
            return f"{self._instance}:round-{self._rounds}"
        if step.name != "cook_pizza_alone":
            return None
        if not self._left:
            self._left = [pizza for pizza, tried in self._tried if tried.state == "failed"]
            self._try, self._tried = self._try + 1, []
        if not self._left:
            return None
        pizza = self._left.pop(0)
        self._tried.append((pizza, step))
        return f"{self._instance}:pizza-{pizza}-{self._try}"


def _turns(events: Iterable[WorkflowHistoryEvent]) -> Iterator[list[WorkflowHistoryEvent]]:
    turn: list[WorkflowHistoryEvent] = []
    for event in events:
        if event.event_type == _Type.WORKFLOW_STARTED and turn:
            yield turn
            turn = []
        turn.append(event)
    if turn:
        yield turn


def _close(step: Step, event: WorkflowHistoryEvent) -> bool:
    """End a step or a try of it; whether it failed."""
    if event.event_type in _DONE:
        _end(step, _at(event), "done")
        return False
    _end(step, _at(event), "failed")
    details = event.failure_details
    said = (details.message or details.error_type) if details else "failed"
    step.failures = [*step.failures, (_at(event), said[:_LONGEST_ERROR])][-_FAILURES:]
    return True


def _end(step: Step | None, at: str, state: State) -> None:
    if step is not None:
        step.ended_at, step.state = at, state


def _at(event: WorkflowHistoryEvent) -> str:
    return moment(event.timestamp.replace(tzinfo=UTC))
