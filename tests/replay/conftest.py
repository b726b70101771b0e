"""A sidecar's part in a workflow, played in the test: histories grow here, the SDK replays them.

Each turn runs the SDK's own executor over the whole history anew, so a story that is not
deterministic fails its test.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from dapr.ext.workflow import WorkflowRuntime
from dapr.ext.workflow._durabletask.internal import helpers as history
from dapr.ext.workflow._durabletask.internal import protos as pb
from dapr.ext.workflow._durabletask.internal import shared
from dapr.ext.workflow._durabletask.worker import _OrchestrationExecutor

from pizza_activities import Shop
from worker import register

ORDER = {
    "order_id": "123",
    "pizza_type": "pepperoni",
    "size": "large",
    "customer": {"name": "John Doe", "address": "123 Main St", "phone": "555-0123"},
}

Answer = Callable[[dict[str, Any]], Any]


class Refused(Exception):
    """A failure that is tried again."""


class NonRetryableError(Exception):
    """A failure that is final, by the name the SDK looks for."""


class Play:
    """One order's workflow, driven turn by turn.

    `answers` says what an activity does when it is not to answer `{"done": name}`: a callable
    that gets the input. `hold` names activities that stay unanswered until `finish`.
    """

    def __init__(self, registry: Any, answers: dict[str, Answer], seconds: float = 600) -> None:
        self.registry = registry
        self.answers = answers
        self.hold: set[str] = set()
        self.done: list[str] = []
        self.statuses: list[str] = []
        self.result: Any = None
        self.failure: str | None = None
        self.now = datetime(2026, 1, 1)
        self.suspended = False
        self._history: list[pb.HistoryEvent] = []
        self._inbox: list[pb.HistoryEvent] = []
        self._timers: list[tuple[datetime, int]] = []
        self._held: dict[str, tuple[int, str]] = {}
        ticket = shared.to_json({"order": ORDER, "validation_seconds": seconds})
        self._inbox.append(history.new_execution_started_event("pizza_workflow", "p-123", ticket))

    @property
    def ended(self) -> bool:
        return self.result is not None or self.failure is not None

    def run(self) -> "Play":
        """Go on until there is nothing to do but wait for a person or the clock."""
        while self._inbox and not self.ended:
            self._turn()
            if not self._inbox:
                self._fire(before=self.now + timedelta(seconds=30))
        return self

    def tell(self, event: str, data: Any = None) -> "Play":
        """Raise an event, without letting the workflow take its turn."""
        self._inbox.append(history.new_event_raised_event(event, shared.to_json(data)))
        return self

    def decide(self, round_: int = 1, **decision: Any) -> "Play":
        return self.tell("ValidationComplete", {"round": round_, **decision})

    def cancel(self, reason: str | None = None) -> "Play":
        return self.tell("CancelOrder", {"reason": reason})

    def suspend(self) -> "Play":
        self.suspended = True
        self._inbox.append(history.new_suspend_event())
        return self

    def resume(self) -> "Play":
        self.suspended = False
        self._inbox.append(history.new_resume_event())
        return self

    def finish(self, activity: str) -> "Play":
        """Let a held activity answer."""
        self.hold.discard(activity)
        self._answer(activity, *self._held.pop(activity))
        return self

    def pass_time(self, seconds: float) -> "Play":
        then = self.now + timedelta(seconds=seconds)
        self._fire(before=then)
        self.now = then
        return self

    def _turn(self) -> None:
        started = history.new_workflow_started_event(self.now)
        new, self._inbox = [started, *self._inbox], []
        outcome = _OrchestrationExecutor(self.registry, logging.getLogger("replay")).execute(
            "p-123", self._history, new
        )
        self._history += new
        self._show(outcome.encoded_custom_status)
        for action in outcome.actions:
            self._act(action)

    def _show(self, status: str | None) -> None:
        if status and self.statuses[-1:] != [status]:
            self.statuses.append(status)

    def _act(self, action: pb.WorkflowAction) -> None:
        kind = action.WhichOneof("workflowActionType")
        getattr(self, f"_on_{kind}")(action.id, getattr(action, kind))

    def _on_completeWorkflow(self, _id: int, end: pb.CompleteWorkflowAction) -> None:
        if end.workflowStatus == pb.ORCHESTRATION_STATUS_COMPLETED:
            self.result = shared.from_json(end.result.value)
        else:
            self.failure = end.failureDetails.errorMessage

    def _on_createTimer(self, id_: int, timer: pb.CreateTimerAction) -> None:
        event = history.new_timer_created_event(id_, datetime(2026, 1, 1))
        event.timerCreated.fireAt.CopyFrom(timer.fireAt)
        self._history.append(event)
        self._timers.append((timer.fireAt.ToDatetime(), id_))

    def _on_scheduleTask(self, id_: int, task: pb.ScheduleTaskAction) -> None:
        name, given = task.name, task.input.value
        self._history.append(history.new_task_scheduled_event(id_, name, given))
        if name in self.hold:
            self._held[name] = (id_, given)
        else:
            self._answer(name, id_, given)

    def _answer(self, name: str, id_: int, given: str) -> None:
        ticket = shared.from_json(given)
        self.done.append(_label(name, ticket))
        try:
            answer = self.answers.get(name, lambda _: {"done": name})(ticket)
        except (Refused, NonRetryableError) as error:
            self._inbox.append(history.new_task_failed_event(id_, error))
        else:
            self._inbox.append(history.new_task_completed_event(id_, shared.to_json(answer)))

    def _fire(self, before: datetime) -> None:
        """The timers due by then go off, and the clock stands at the last of them."""
        due = sorted(timer for timer in self._timers if timer[0] <= before)
        self._timers = [timer for timer in self._timers if timer not in due]
        for at, id_ in due:
            self.now = max(self.now, at)
            self._inbox.append(history.new_timer_fired_event(id_, at))


def _label(name: str, ticket: dict[str, Any]) -> str:
    """`announce` by what it says; further attempts by their number."""
    label = f"announce {ticket['status']}" if name == "announce" else name
    return label if ticket.get("attempt", 1) == 1 else f"{label} {ticket['attempt']}"


@pytest.fixture(scope="session")
def registry() -> Any:
    runtime = WorkflowRuntime()
    register(runtime, Shop(sidecar=None))  # type: ignore[arg-type]
    return runtime._WorkflowRuntime__worker._registry  # type: ignore[attr-defined]


@pytest.fixture
def play(registry: Any) -> Callable[..., Play]:
    """A new order; `play(answers, hold={...}, seconds=...)`."""

    def begin(
        answers: dict[str, Answer] | None = None, hold: set[str] = frozenset(), seconds: float = 600
    ) -> Play:
        order = Play(registry, answers or {}, seconds)
        order.hold = set(hold)
        return order

    return begin


@pytest.fixture
def refuse() -> Answer:
    def answer(_ticket: dict[str, Any]) -> Any:
        raise NonRetryableError("no")

    return answer


@pytest.fixture
def fail() -> Answer:
    def answer(_ticket: dict[str, Any]) -> Any:
        raise Refused("not now")

    return answer
