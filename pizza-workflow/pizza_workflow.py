"""The story of one order. Deterministic: no clock, no chance, no I/O but through activities."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, TaskFailedError

from cancellation import Cancelled, OrderStopped
from cooking import cook_round
from delivering import bring
from endings import Cause, delivered, not_delivered, who, why
from first_form import first_form
from pizza_activities import (
    announce,
    ask_loyalty,
    authorize_payment,
    capture_payment,
    claim_order,
    confirm_order,
    order_pizza,
    reserve_stock,
    validate_pizza,
)
from pizza_common.status import Status
from place import Place
from saga import Branch, Saga, Steps
from steps import Delivery, Gift, Payment
from ticket import Terms, Ticket, aware, naive
from undo_activities import (
    cancel_order,
    discard_pizza,
    refund_payment,
    release_stock,
)
from validation import (
    TOLD_BY_ANYONE,
    Rejected,
    announce_verdict,
    pass_over_early,
    wait_for_approval,
)

Story = Generator[Any, Any, dict[str, Any]]

WHOLE_SHOP = "whole-shop"
"""The patch since which the story has money, stock, children, reminders and schedules."""


def pizza_workflow(ctx: DaprWorkflowContext, ticket: Ticket) -> Story:
    """Take it, pay it, cook it, have it checked, deliver it. If any of that stops, undo it all."""
    ctx.is_patched(TOLD_BY_ANYONE)  # asked here: the SDK forgets what it is first asked at a resume
    if not ctx.is_patched(WHOLE_SHOP):
        return (yield from first_form(ctx, ticket))
    ticket = ticket.under(ctx.instance_id)
    saga, terms = Saga(ctx, ticket.order), ticket.terms
    if ticket.is_foreign(ctx.instance_id):  # nothing is begun, or undone, of an order of another's
        yield saga.call(claim_order, instance=ctx.instance_id)
    saga.on_stop(cancel_order)  # whatever happens, the customer is told
    try:
        yield from wait_for_its_time(saga, terms)
        yield from saga.step(order_pizza, Place.TAKING_ORDER)
        payment = yield from pay_and_reserve(saga)
        yield from promise_to_customer(saga, terms, payment)
        yield from cook_until_approved(saga, terms)
        delivery = yield from deliver(saga, terms)
    except (TaskFailedError, OrderStopped) as cause:
        return (yield from call_off(saga, cause))
    ctx.set_custom_status(Place.DELIVERED.value)
    saga.note("order ends", status=Place.DELIVERED.value)
    return delivered(saga, delivery)


def wait_for_its_time(saga: Saga, terms: Terms) -> Steps:
    """A scheduled order is begun in time to be delivered then. Raises Cancelled."""
    if saga.order.scheduled_for is None:
        return
    begin = naive(saga.order.scheduled_for) - terms.lead
    if saga.ctx.current_utc_datetime < begin:
        said = f"for {saga.order.scheduled_for}"
        yield from saga.step(announce, Place.SCHEDULED, status=Status.SCHEDULED, detail=said)
        yield from saga.wait_until(begin)


def pay_and_reserve(saga: Saga) -> Generator[Any, Any, Payment]:
    """Money and ingredients at the same time; the tenth pizza is free, if loyalty can be asked."""
    gift = (yield from saga.ask(ask_loyalty)) or Gift()
    payment, _ = yield from saga.together(
        Place.PAYING,
        Branch(authorize_payment, undo=refund_payment, detail={"free_cents": gift.free_cents}),
        Branch(reserve_stock, undo=release_stock),
    )
    return payment


def promise_to_customer(saga: Saga, terms: Terms, payment: Payment) -> Steps:
    """Say what it costs and when it comes."""
    yield from saga.step(
        confirm_order,
        Place.CONFIRMING,
        total_cents=payment.amount_cents,
        estimated_at=aware(saga.ctx.current_utc_datetime + terms.lead),
    )


def cook_until_approved(saga: Saga, terms: Terms) -> Steps:
    """Cook and have it checked, again for each remake asked for.

    Raises Rejected, Escalated, Cancelled, TaskFailedError.
    """
    for round_ in range(1, terms.remakes + 2):
        yield from cook(saga, round_, terms)
        yield from saga.step(validate_pizza, Place.WAITING_FOR_VALIDATION, attempt=round_)
        decision = yield from wait_for_approval(saga, round_, terms)
        yield from announce_verdict(saga, decision)
        if decision.approved:
            return
        if not decision.remake or round_ > terms.remakes:
            break
        yield from saga.step(announce, Place.COOKING, status=Status.REMAKING, attempt=round_)
        yield from pass_over_early(saga, round_)
    raise Rejected


def cook(saga: Saga, round_: int, terms: Terms) -> Steps:
    """All pizzas of the order, each by a child workflow, joined."""
    detail = {"attempt": round_, "tries": terms.cook_tries}
    name = f"round-{round_}"
    yield from saga.child(cook_round, name, Place.COOKING, undo=discard_pizza, **detail)


def deliver(saga: Saga, terms: Terms) -> Generator[Any, Any, Delivery]:
    """Bring it and take the money; what was delivered is not called off for money's sake."""
    delivery = yield from bring(saga, terms)
    yield from saga.attempt(capture_payment)
    yield from call_for_attention(saga)
    return delivery


def call_off(saga: Saga, cause: Cause) -> Story:
    """Undo everything, tell the order book, and say how it ended."""
    cancelled = isinstance(cause, Cancelled)
    saga.ctx.set_custom_status(Place.CANCELLING.value if cancelled else Place.UNDOING.value)
    yield from saga.compensate()
    yield from call_for_attention(saga)
    ending = Place.CANCELLED if cancelled and not saga.needs_attention else Place.FAILED
    yield from saga.attempt(announce, status=ending.value, detail=why(cause), by=who(cause))
    saga.ctx.set_custom_status(ending.value)
    saga.note("order ends", status=ending.value, reason=why(cause))
    return not_delivered(saga, cause, ending)


def call_for_attention(saga: Saga) -> Steps:
    """Tell the operators what a person has to do, if there is anything."""
    if saga.needs_attention:
        what = "; ".join(saga.needs_attention)
        yield from saga.attempt(announce, status=Status.NEEDS_ATTENTION, detail=what)
