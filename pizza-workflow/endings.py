"""What an order's workflow says when it is over."""

from typing import Any

from dapr.ext.workflow import TaskFailedError

from cancellation import Cancelled, OrderStopped
from place import Place
from saga import Saga, dumped
from steps import Delivery

Cause = TaskFailedError | OrderStopped


def why(cause: Cause) -> str:
    """The cause in words, without the engine's task numbers."""
    return cause.details.message if isinstance(cause, TaskFailedError) else str(cause)


def who(cause: Cause) -> str | None:
    """The person who stopped the order, if it was one that is known."""
    return cause.by if isinstance(cause, Cancelled) else None


def delivered(saga: Saga, delivery: Delivery) -> dict[str, Any]:
    """The result of an order that reached its customer."""
    return {
        "order_id": saga.order.id,
        "status": "completed",
        "final_status": Place.DELIVERED.value,
        "delivery_result": dumped(delivery),
        **_attention(saga),
    }


def not_delivered(saga: Saga, cause: Cause, ending: Place) -> dict[str, Any]:
    """The result of an order that was called off."""
    reason: dict[str, Any] = {"error": why(cause)}
    if isinstance(cause, Cancelled) and ending is Place.CANCELLED:
        reason = {"reason": cause.reason}
    return {"order_id": saga.order.id, "status": ending.value, **reason, **_attention(saga)}


def _attention(saga: Saga) -> dict[str, Any]:
    """`needs_attention` only when something that was owed gave up."""
    return {"needs_attention": saga.needs_attention} if saga.needs_attention else {}
