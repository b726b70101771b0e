"""The manager's decision: waited for with a deadline, one per round, told by an external event.

A round is all pizzas of an order, cooked once. An event of another round or shape is passed
over, so that a decision that comes twice or late never meets a pizza it was not made for.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

from cancellation import Cancelled, OrderStopped
from pizza_activities import announce, close_validation
from pizza_common.status import Status
from place import Place
from saga import Saga, Steps
from steps import Decision
from ticket import Terms

VALIDATION_COMPLETE = "ValidationComplete"


class Rejected(OrderStopped):
    """The manager rejected the pizza, and it is not made again."""

    def __init__(self) -> None:
        super().__init__("Pizza validation failed - need to remake")


class TimedOut(OrderStopped):
    """No manager decided in time."""

    def __init__(self, terms: Terms) -> None:
        waited = timedelta(seconds=terms.validation_seconds)
        super().__init__(f"No manager validated the pizza within {waited}")


class Escalated(Cancelled):
    """No manager decided in time, reminded or not: the order is cancelled."""


def wait_for_approval(saga: Saga, round_: int, terms: Terms) -> Generator[Any, Any, Decision]:
    """The decision; when none comes, the order book is told. Raises Escalated, Cancelled."""
    try:
        return (yield from wait_for_decision(saga, round_, terms))
    except TimedOut as late:
        yield from saga.ask(announce, status=Status.ESCALATED, attempt=round_, detail=str(late))
        raise Escalated(str(late)) from late


def wait_for_decision(saga: Saga, round_: int, terms: Terms) -> Generator[Any, Any, Decision]:
    """The decision on this round's pizzas. Raises Cancelled, TimedOut, TaskFailedError."""
    for reminder in range(1, terms.reminders + 2):
        try:
            return (yield from _decision_before(saga, round_, _now(saga) + terms.patience))
        except TimeoutError:
            if reminder <= terms.reminders:
                yield from _remind(saga, round_, reminder)
    return (yield from _last_call(saga, round_, terms))


def announce_verdict(saga: Saga, decision: Decision) -> Steps:
    """Tell the order book. Raises Cancelled, TaskFailedError.

    This step also keeps a promise. At `validated` no cancel is accepted any more; one that was
    accepted before is stored before this step ends, so the check at its end sees it, also when
    a pause held both back.
    """
    place = Place.VALIDATED if decision.approved else Place.REJECTED
    said = decision.in_words()
    yield from saga.step(announce, place, status=place.value, attempt=decision.round, detail=said)


def _decision_before(saga: Saga, round_: int, deadline: datetime) -> Steps:
    """Raises TimeoutError at the deadline, however many events were passed over."""
    while True:
        event = saga.ctx.wait_for_external_event(VALIDATION_COMPLETE, timeout=deadline)
        yield from saga.cancellation.beside(event)
        saga.cancellation.check()
        decision = Decision.read((yield event))
        if decision and decision.round == round_:
            return decision


def _remind(saga: Saga, round_: int, number: int) -> Steps:
    """One event for each reminder; a decision waits meanwhile, and no reminder stops an order."""
    reminder = Status.VALIDATION_REMINDER
    yield from saga.ask(announce, status=reminder, attempt=round_, repeat=number)


def _last_call(saga: Saga, round_: int, terms: Terms) -> Generator[Any, Any, Decision]:
    """Close the round, unless a decision was accepted whose event has not come."""
    closed = Decision.read((yield saga.call(close_validation, attempt=round_)))
    if closed is None:
        raise TimedOut(terms)
    return closed


def _now(saga: Saga) -> datetime:
    now: datetime = saga.ctx.current_utc_datetime
    return now
