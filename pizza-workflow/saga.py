"""The undo stack of one order: an undo is pushed before its step runs, and popped in reverse."""

from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, RetryPolicy, TaskFailedError

from cancellation import Cancellation
from place import Place

Activity = Callable[..., Any]
Steps = Generator[Any, Any, Any]

# Waits of 0.5, 1, 2, 4, 8 and then 10 s: more than a minute, so that a service that is
# restarted, or a machine that is replaced, costs the order time and nothing else.
PATIENCE = RetryPolicy(
    first_retry_interval=timedelta(seconds=0.5),
    backoff_coefficient=2,
    max_retry_interval=timedelta(seconds=10),
    max_number_of_attempts=12,
)


class Saga:
    """Runs steps for one order and remembers how to undo them.

    `needs_attention` lists, as text, the undos that gave up: a person has to do them.
    """

    def __init__(self, ctx: DaprWorkflowContext, order: dict[str, Any]) -> None:
        self.ctx = ctx
        self.order = order
        self.cancellation = Cancellation(ctx)
        self.needs_attention: list[str] = []
        self._undos: list[tuple[Activity, dict[str, Any]]] = []

    def step(
        self, activity: Activity, place: Place, *, undo: Activity | None = None, **detail: Any
    ) -> Steps:
        """Do one step and give its answer; a cancel is obeyed before and after it, never amid.

        Raises TaskFailedError when the step failed for good, Cancelled when the customer asked.
        """
        self.cancellation.check()
        task = self._begin(activity, place, undo, detail)
        yield from self.cancellation.beside(task)
        try:
            answer = yield task  # let it finish: undoing it meanwhile would race with it
        except TaskFailedError:
            self.cancellation.check()
            raise
        self.cancellation.check()
        return answer

    def last_step(self, activity: Activity, place: Place, *, undo: Activity) -> Steps:
        """Do a step that no cancel stops. Raises TaskFailedError."""
        return (yield self._begin(activity, place, undo, {}))

    def compensate(self) -> Steps:
        """Undo what was begun, the latest first; an undo that gives up does not stop the rest."""
        while self._undos:
            undo, detail = self._undos.pop()
            yield from self.attempt(undo, **detail)

    def attempt(self, activity: Activity, **detail: Any) -> Steps:
        """Do it or, when it fails for good, write it down for a person."""
        try:
            yield self.call(activity, **detail)
        except TaskFailedError as error:
            self.needs_attention.append(f"{activity.__name__}: {error.details.message}")

    def call(self, activity: Activity, **detail: Any) -> Any:
        """Schedule the activity, retried by the one policy. Its input is the order and `detail`."""
        return self.ctx.call_activity(
            activity, input={"order": self.order, **detail}, retry_policy=PATIENCE
        )

    def _begin(
        self, activity: Activity, place: Place, undo: Activity | None, detail: dict[str, Any]
    ) -> Any:
        self.ctx.set_custom_status(place.value)
        if undo:
            self._undos.append((undo, detail))
        return self.call(activity, **detail)
