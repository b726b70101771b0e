"""The undo stack of one order: an undo is pushed before its step runs, and popped in reverse."""

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from dapr.ext.workflow import DaprWorkflowContext, RetryPolicy, TaskFailedError, when_all
from pydantic import BaseModel, ValidationError

from cancellation import Cancellation, OrderStopped
from pizza_common.order import Order
from place import Place
from steps import Step, input_of, output_of, reason_of

Steps = Generator[Any, Any, Any]

log = structlog.get_logger()

# Waits of 0.5, 1, 2, 4, 8 and then 10 s: more than a minute, so that a service that is
# restarted, or a machine that is replaced, costs the order time and nothing else.
PATIENCE = RetryPolicy(
    first_retry_interval=timedelta(seconds=0.5),
    backoff_coefficient=2,
    max_retry_interval=timedelta(seconds=10),
    max_number_of_attempts=12,
)

# The same waits, then one each minute for a quarter of an hour: what was promised or is owed.
PERSISTENCE = RetryPolicy(
    first_retry_interval=timedelta(seconds=0.5),
    backoff_coefficient=2,
    max_retry_interval=timedelta(seconds=60),
    max_number_of_attempts=22,
)

# What the order can do without is asked for twice.
POLITENESS = RetryPolicy(first_retry_interval=timedelta(seconds=0.5), max_number_of_attempts=2)


class UnusableAnswer(OrderStopped):
    """A step answered what this code cannot read."""


@dataclass(frozen=True)
class Branch:
    """A step that runs beside others, and its undo."""

    activity: Step
    undo: Step
    detail: dict[str, Any] = field(default_factory=dict)


class Saga:
    """Runs steps for one order and remembers how to undo them.

    `needs_attention` lists, as text, what was owed and gave up: a person has to do it.
    """

    def __init__(
        self, ctx: DaprWorkflowContext, order: Order, undo_patience: RetryPolicy = PERSISTENCE
    ) -> None:
        self.ctx = ctx
        self.order = order
        self.undo_patience = undo_patience
        self.cancellation = Cancellation(ctx)
        self.needs_attention: list[str] = []
        self._undos: list[tuple[Step, dict[str, Any]]] = []

    def step(self, step: Step, place: Place, *, undo: Step | None = None, **detail: Any) -> Steps:
        """Do one step and give its answer; a cancel is obeyed before and after it, never amid.

        Raises TaskFailedError when the step failed for good, Cancelled when the customer asked.
        """
        self._begin(place, undo, detail)
        answer = yield from self._finish(self.call(step, **detail))
        return read(step, answer)

    def together(self, place: Place, *branches: Branch) -> Steps:
        """Do several steps at the same time; all undos are pushed before any of them runs.

        All come to their end before one that failed is raised. Raises as `step`.
        """
        for branch in branches:
            self._begin(place, branch.undo, branch.detail)
        calls = [self.call(branch.activity, **branch.detail) for branch in branches]
        answers = yield from self._finish(when_all(calls))
        return [read(branch.activity, each) for branch, each in zip(branches, answers, strict=True)]

    def child(
        self, workflow: Step, name: str, place: Place, *, undo: Step | None = None, **detail: Any
    ) -> Steps:
        """Have a child workflow do a step, under this workflow's id and `name`. Raises as `step`.

        The undo gets the same detail.
        """
        self._begin(place, undo, detail)
        task: Any = self.ctx.call_child_workflow(
            workflow.__name__,
            input=dumped(input_of(workflow)(order=self.order, **detail)),
            instance_id=f"{self.ctx.instance_id}:{name}",
        )
        return read(workflow, (yield from self._finish(task)))

    def on_stop(self, undo: Step) -> None:
        """Have this done last of all when the order stops, wherever it stops."""
        self._undos.append((undo, {}))

    def wait_until(self, time: datetime) -> Steps:
        """Let the time come. Raises Cancelled."""
        yield from self.cancellation.beside(self.ctx.create_timer(time))
        self.cancellation.check()

    def compensate(self) -> Steps:
        """Undo what was begun, the latest first; an undo that gives up does not stop the rest."""
        while self._undos:
            undo, detail = self._undos.pop()
            yield from self.attempt(undo, **detail)

    def attempt(self, step: Step, **detail: Any) -> Steps:
        """Do it and give its answer or, when it fails for good, write it down for a person."""
        try:
            return (yield self.call(step, self.undo_patience, **detail))
        except TaskFailedError as error:
            self.needs_attention.append(f"{step.__name__}: {error.details.message}")
            return None

    def ask(self, step: Step, **detail: Any) -> Steps:
        """The answer of a step that the order can do without; None when it does not answer."""
        try:
            return read(step, (yield self.call(step, POLITENESS, **detail)))
        except (TaskFailedError, UnusableAnswer):
            return None

    def note(self, event: str, **more: Any) -> None:
        """As `warn`, of what goes as it should."""
        if not self.ctx.is_replaying:
            log.info(event, order_id=self.order.id, **more)

    def warn(self, event: str, **more: Any) -> None:
        """A line in the log, once: not when the code is replayed."""
        if not self.ctx.is_replaying:
            log.warning(event, order_id=self.order.id, **more)

    def call(self, step: Step, patience: RetryPolicy = PATIENCE, **detail: Any) -> Any:
        """Schedule the activity. Its input is the order and `detail`."""
        given = input_of(step)(order=self.order, **detail)
        return self.ctx.call_activity(step.__name__, input=dumped(given), retry_policy=patience)

    def _begin(self, place: Place, undo: Step | None, detail: dict[str, Any]) -> None:
        self.cancellation.check()
        self.ctx.set_custom_status(place.value)
        if undo:
            self._undos.append((undo, detail))

    def _finish(self, task: Any) -> Steps:
        yield from self.cancellation.beside(task)
        try:
            answer = yield task  # let it finish: undoing it meanwhile would race with it
        except TaskFailedError:
            self.cancellation.check()
            raise
        self.cancellation.check()
        return answer


def dumped(model: BaseModel) -> dict[str, Any]:
    """The model as the engine carries it."""
    return model.model_dump(mode="json", exclude_none=True)


def read(step: Step, answer: Any) -> Any:
    """The answer as the step's model; as it is when the step has none. Raises UnusableAnswer."""
    model = output_of(step)
    try:
        return model.model_validate(answer) if model else answer
    except ValidationError as error:
        raise UnusableAnswer(f"{step.__name__} answered: {reason_of(error)}") from error
