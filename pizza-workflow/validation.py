"""The manager's decision: waited for with a deadline, one per round, told by an external event.

A round is all pizzas of an order, cooked once. The front desk writes a decision on the slip
before it tells the workflow. An event that was raised without it, with or without a round, is
written there first of all, so that there is one decision whoever else decides at that moment. What
is about another round, or cannot be read, is passed over with a warning: a decision that comes
twice or late never meets a pizza it was not made for.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from cancellation import Cancelled, OrderStopped
from pizza_activities import announce, close_validation, settle_decision
from pizza_common.status import Status
from place import Place
from saga import Saga, Steps
from steps import Decision, reason_of
from ticket import Terms

VALIDATION_COMPLETE = "ValidationComplete"

TOLD_BY_ANYONE = "told-by-anyone"
"""The patch since which a decision counts that did not come by the front desk."""

NO_ROUND = "the order was begun when it had to name its round; ask pizza-workflow instead"

Heard = Generator[Any, Any, Decision | None]


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
    saga.note("order waits for a manager", round=round_)
    for reminder in range(1, terms.reminders + 2):
        try:
            return (yield from _decision_before(saga, round_, _now(saga) + terms.patience))
        except TimeoutError:
            if reminder <= terms.reminders:
                yield from _remind(saga, round_, reminder)
    return (yield from _last_call(saga, round_, terms))


def pass_over_early(saga: Saga, round_: int) -> Steps:
    """Nobody has seen the pizzas of the next round yet: what was said until now is not of them."""
    while saga.ctx.is_patched(TOLD_BY_ANYONE):
        try:
            yield saga.ctx.wait_for_external_event(VALIDATION_COMPLETE, timeout=timedelta(0))
        except TimeoutError:
            return
        _pass_over(saga, round_, "the round is decided")


def announce_verdict(saga: Saga, decision: Decision) -> Steps:
    """Tell the order book. Raises Cancelled, TaskFailedError.

    This step also keeps a promise. At `validated` no cancel is accepted any more; one that was
    accepted before is stored before this step ends, so the check at its end sees it, also when
    a pause held both back.
    """
    place = Place.VALIDATED if decision.approved else Place.REJECTED
    yield from saga.step(
        announce,
        place,
        status=place.value,
        attempt=decision.round,
        detail=decision.in_words(),
        by=decision.approver,
    )


def _decision_before(saga: Saga, round_: int, deadline: datetime) -> Steps:
    """Raises TimeoutError at the deadline, however many events were passed over."""
    while True:
        event = saga.ctx.wait_for_external_event(VALIDATION_COMPLETE, timeout=deadline)
        yield from saga.cancellation.beside(event)
        saga.cancellation.check()
        decision = yield from _heard(saga, round_, (yield event))
        if decision:
            return decision


def _heard(saga: Saga, round_: int, data: Any) -> Heard:
    """The decision on this round that an event leads to; None when it is passed over."""
    try:
        said = Decision.model_validate(data)
    except ValidationError as error:
        _pass_over(saga, round_, reason_of(error))
        return None
    misfit = _misfit(saga, round_, said)
    if misfit:
        _pass_over(saga, round_, misfit)
        return None
    if _is_settled(saga, said):
        return said
    place = Place.WAITING_FOR_VALIDATION
    written = yield from saga.step(settle_decision, place, attempt=round_, decision=said)
    return Decision.model_validate(written) if written else None


def _misfit(saga: Saga, round_: int, said: Decision) -> str | None:
    """Why a decision cannot be meant for this round; None when it can."""
    if said.round not in (None, round_):
        return f"it is about round {said.round}"
    if _is_settled(saga, said):
        return None
    if not saga.ctx.is_patched(TOLD_BY_ANYONE):
        return NO_ROUND
    if str(said.order_id or saga.order.id) != saga.order.id:
        return f"it is about order {said.order_id}"
    return None


def _is_settled(saga: Saga, said: Decision) -> bool:
    """Whether it is obeyed as it is: it stands on the slip, or did not have to."""
    on_slip = said.on_slip or not saga.ctx.is_patched(TOLD_BY_ANYONE)
    return said.round is not None and on_slip


def _pass_over(saga: Saga, round_: int, reason: str) -> None:
    saga.warn("decision passed over", round=round_, reason=reason)


def _remind(saga: Saga, round_: int, number: int) -> Steps:
    """One event for each reminder; a decision waits meanwhile, and no reminder stops an order."""
    reminder = Status.VALIDATION_REMINDER
    yield from saga.ask(announce, status=reminder, attempt=round_, repeat=number)


def _last_call(saga: Saga, round_: int, terms: Terms) -> Generator[Any, Any, Decision]:
    """Close the round, unless a decision was accepted whose event has not come."""
    closed = yield saga.call(close_validation, attempt=round_)
    if closed is None:
        raise TimedOut(terms)
    return Decision.model_validate(closed)


def _now(saga: Saga) -> datetime:
    now: datetime = saga.ctx.current_utc_datetime
    return now
