"""The customer's wish to cancel: listened for from the first moment, obeyed at safe points."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, when_any

from place import Place

CANCEL_ORDER = "CancelOrder"


class OrderStopped(Exception):
    """The order ends before delivery although no step failed."""


class Cancelled(OrderStopped):
    """Somebody cancelled; `reason` is what they said, `by` who it was, or None."""

    def __init__(self, reason: str | None, by: str | None = None) -> None:
        super().__init__(reason or "cancelled")
        self.reason = reason
        self.by = by


class Cancellation:
    """One wait for the event, made once: a second wait would miss what the first one took."""

    def __init__(self, ctx: DaprWorkflowContext) -> None:
        self._ctx = ctx
        self._wish = ctx.wait_for_external_event(CANCEL_ORDER)

    def check(self) -> None:
        """A safe point. Raises Cancelled when the customer has asked for it."""
        if self._wish.is_complete:
            told = self._wish.get_result()
            wish = told if isinstance(told, dict) else {}
            reason, by = wish.get("reason"), wish.get("by")
            who = by if isinstance(by, str) and by.isprintable() else ""
            raise Cancelled(None if reason is None else str(reason), who or None)

    def beside(self, task: Any) -> Generator[Any, Any, None]:
        """Wait for `task` or the wish, and show the wish at once, whichever came first."""
        yield when_any([task, self._wish])
        if self._wish.is_complete:
            self._ctx.set_custom_status(Place.CANCELLING.value)
