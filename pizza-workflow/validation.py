"""The manager's decision: waited for with a deadline, one per round, told by an external event.

A round is one cooked pizza. The event's data is {"round", "approved", "remake", "reason",
"approver"}; data of another round or shape is passed over, so that a decision that comes twice
or late never meets a pizza it was not made for.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

from cancellation import OrderStopped
from pizza_activities import close_validation
from saga import Saga

VALIDATION_COMPLETE = "ValidationComplete"

Decision = dict[str, Any]


class Rejected(OrderStopped):
    """The manager rejected the pizza, and it is not made again."""

    def __init__(self) -> None:
        super().__init__("Pizza validation failed - need to remake")


class TimedOut(OrderStopped):
    """No manager decided in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"No manager validated the pizza within {timedelta(seconds=seconds)}")


def wait_for_decision(saga: Saga, round_: int, seconds: float) -> Generator[Any, Any, Decision]:
    """The decision on this round's pizza. Raises Cancelled, TimedOut, TaskFailedError."""
    deadline = saga.ctx.current_utc_datetime + timedelta(seconds=seconds)
    while True:
        try:
            decision = yield from _next_event(saga, deadline)
        except TimeoutError:
            return (yield from _last_call(saga, round_, seconds))
        if isinstance(decision, dict) and decision.get("round") == round_:
            return decision


def _next_event(saga: Saga, deadline: datetime) -> Generator[Any, Any, Any]:
    event = saga.ctx.wait_for_external_event(VALIDATION_COMPLETE, timeout=deadline)
    yield from saga.cancellation.beside(event)
    saga.cancellation.check()
    return (yield event)


def _last_call(saga: Saga, round_: int, seconds: float) -> Generator[Any, Any, Decision]:
    """Close the round, unless a decision was accepted whose event has not come."""
    decision: Decision | None = yield saga.call(close_validation, attempt=round_)
    if not decision:
        raise TimedOut(seconds)
    return decision
