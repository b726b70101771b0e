"""The story as it was first told, kept for orders that were begun with it.

It went from the storefront straight to the kitchen, cooked an order in one piece, and failed
where no manager came in time. `pizza_workflow` leads here the orders whose history says so. Once
none of them runs any more (`localdapr workflow list`), this file and its golden histories go.
"""

from dapr.ext.workflow import DaprWorkflowContext, TaskFailedError

from cancellation import Cancelled, OrderStopped
from delivering import bring
from endings import delivered, not_delivered, who, why
from pizza_activities import (
    KITCHEN,
    Shop,
    announce,
    open_validation,
    order_pizza,
    stage_seconds,
    validate_pizza,
)
from pizza_common.status import KITCHEN_STAGES
from place import Place
from saga import PATIENCE, Saga, Steps
from steps import PeerAnswer, Undoing
from ticket import Terms, Ticket
from undo_activities import cancel_order, discard_pizza
from validation import Rejected, announce_verdict, wait_for_decision


def first_form(ctx: DaprWorkflowContext, ticket: Ticket) -> Steps:
    """Take it, cook it, have it checked, deliver it. If any of that stops, undo what was begun."""
    saga = Saga(ctx, ticket.order, undo_patience=PATIENCE)
    try:
        yield from saga.step(order_pizza, Place.TAKING_ORDER, undo=refund_order)
        yield from _cook_until_approved(saga, ticket.terms)
        delivery = yield from bring(saga, ticket.terms)
    except (TaskFailedError, OrderStopped) as cause:
        return (yield from _call_off(saga, cause))
    ctx.set_custom_status(Place.DELIVERED.value)
    return delivered(saga, delivery)


def _cook_until_approved(saga: Saga, terms: Terms) -> Steps:
    for attempt in range(1, 4):
        yield from saga.step(cook_pizza, Place.COOKING, undo=discard_pizza, attempt=attempt)
        yield from saga.step(validate_pizza, Place.WAITING_FOR_VALIDATION, attempt=attempt)
        decision = yield from wait_for_decision(saga, attempt, terms)
        yield from announce_verdict(saga, decision)
        if decision.approved:
            return
        if not decision.remake:
            break
    raise Rejected


def _call_off(saga: Saga, cause: TaskFailedError | OrderStopped) -> Steps:
    cancelled = isinstance(cause, Cancelled)
    ending = Place.CANCELLED if cancelled else Place.FAILED
    saga.ctx.set_custom_status(Place.CANCELLING.value if cancelled else Place.UNDOING.value)
    yield from saga.compensate()
    yield from saga.attempt(announce, status=ending.value, detail=why(cause), by=who(cause))
    saga.ctx.set_custom_status(ending.value)
    return not_delivered(saga, cause, ending)


def cook_pizza(shop: Shop, given: Undoing) -> PeerAnswer:
    """The kitchen cooks the whole order; then the manager may decide."""
    body = given.order.sent() | ({"attempt": given.attempt} if given.attempt > 1 else {})
    timeout = stage_seconds(shop, KITCHEN_STAGES)
    pizza = shop.sidecar.invoke(KITCHEN, "cook", body, timeout=timeout)
    open_validation(shop, given)
    return PeerAnswer.model_validate(pizza)


def refund_order(shop: Shop, given: Undoing) -> None:
    """Undo `order_pizza`."""
    cancel_order(shop, given)


STEPS = (cook_pizza, refund_order)
