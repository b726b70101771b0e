"""The story of one order. Deterministic: no clock, no chance, no I/O but through activities."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import DaprWorkflowContext, TaskFailedError

from cancellation import Cancelled, OrderStopped
from pizza_activities import (
    announce,
    cook_pizza,
    deliver_pizza,
    discard_pizza,
    order_pizza,
    recall_delivery,
    refund_order,
    validate_pizza,
)
from place import Place
from saga import Saga
from validation import Decision, Rejected, wait_for_decision

REMAKES = 2
"""How often a rejected pizza is made again when the manager asks for it."""

Story = Generator[Any, Any, dict[str, Any]]
Cause = TaskFailedError | OrderStopped


def pizza_workflow(ctx: DaprWorkflowContext, ticket: dict[str, Any]) -> Story:
    """Take it, cook it, have it checked, deliver it. If any of that stops, undo what was begun.

    `ticket` is {"order": the order, "validation_seconds": how long a manager may take}.
    """
    saga = Saga(ctx, ticket["order"])
    try:
        yield from saga.step(order_pizza, Place.TAKING_ORDER, undo=refund_order)
        yield from cook_until_approved(saga, ticket["validation_seconds"])
        delivery = yield from saga.last_step(deliver_pizza, Place.DELIVERING, undo=recall_delivery)
    except (TaskFailedError, OrderStopped) as cause:
        return (yield from call_off(saga, cause))
    ctx.set_custom_status(Place.DELIVERED.value)
    return delivered(saga.order, delivery)


def cook_until_approved(saga: Saga, validation_seconds: float) -> Generator[Any, Any, None]:
    """Cook and have it checked, again for each remake asked for.

    Raises Rejected, TimedOut, Cancelled, TaskFailedError.
    """
    for attempt in range(1, REMAKES + 2):
        yield from saga.step(cook_pizza, Place.COOKING, undo=discard_pizza, attempt=attempt)
        yield from saga.step(validate_pizza, Place.WAITING_FOR_VALIDATION, attempt=attempt)
        decision = yield from wait_for_decision(saga, attempt, validation_seconds)
        approved = decision.get("approved") is True
        yield from announce_verdict(saga, attempt, approved, decision)
        if approved:
            return
        if decision.get("remake") is not True:
            break
    raise Rejected


def announce_verdict(
    saga: Saga, attempt: int, approved: bool, decision: Decision
) -> Generator[Any, Any, None]:
    """Tell the order book. Raises Cancelled, TaskFailedError.

    This step also keeps a promise. At `validated` no cancel is accepted any more; one that was
    accepted before is stored before this step ends, so the check at its end sees it, also when
    a pause held both back.
    """
    place = Place.VALIDATED if approved else Place.REJECTED
    reason = decision.get("reason")
    yield from saga.step(announce, place, status=place.value, attempt=attempt, detail=reason)


def call_off(saga: Saga, cause: Cause) -> Story:
    """Undo everything, tell the order book, and say how it ended."""
    cancelled = isinstance(cause, Cancelled)
    ending = Place.CANCELLED if cancelled else Place.FAILED
    saga.ctx.set_custom_status(Place.CANCELLING.value if cancelled else Place.UNDOING.value)
    yield from saga.compensate()
    yield from saga.attempt(announce, status=ending.value, detail=why(cause))
    saga.ctx.set_custom_status(ending.value)
    return not_delivered(saga, cause, ending)


def why(cause: Cause) -> str:
    """The cause in words, without the engine's task numbers."""
    return cause.details.message if isinstance(cause, TaskFailedError) else str(cause)


def delivered(order: dict[str, Any], delivery: dict[str, Any]) -> dict[str, Any]:
    """The result of an order that reached its customer."""
    return {
        "order_id": order["order_id"],
        "status": "completed",
        "final_status": Place.DELIVERED.value,
        "delivery_result": delivery,
    }


def not_delivered(saga: Saga, cause: Cause, ending: Place) -> dict[str, Any]:
    """The result of an order that was called off; `needs_attention` only when an undo gave up."""
    reason = {"reason": cause.reason} if isinstance(cause, Cancelled) else {"error": why(cause)}
    attention = {"needs_attention": saga.needs_attention} if saga.needs_attention else {}
    return {"order_id": saga.order["order_id"], "status": ending.value, **reason, **attention}
