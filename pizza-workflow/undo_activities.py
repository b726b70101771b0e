"""The undos of the story's steps: each is safe before its step, after it, amid it and twice."""

from typing import Any

from pizza_activities import DELIVERY, GRACE_SECONDS, KITCHEN, STOREFRONT, Shop
from pizza_common.sidecar import Method
from pizza_common.status import Status
from steps import Delivery, StepInput, Undoing


def cancel_order(shop: Shop, given: StepInput) -> None:
    """The storefront tells the customer, and takes this order no more."""
    _undo(shop, STOREFRONT, f"orders/{given.order.id}/cancel", {"order_id": given.order.id})


def refund_payment(shop: Shop, given: StepInput) -> None:
    """Undo `authorize_payment`, and `capture_payment` if it came so far."""
    _undo(shop, STOREFRONT, f"payments/{given.order.id}/refund", {"order_id": given.order.id})


def release_stock(shop: Shop, given: StepInput) -> None:
    """Undo `reserve_stock`; what was cooked is written off."""
    _undo(shop, KITCHEN, f"stock/reservations/{given.order.id}", None, method="DELETE")


def discard_pizza(shop: Shop, given: Undoing) -> None:
    """Undo the cooking of all pizzas, up to this attempt."""
    body = {"order_id": given.order.id, "attempt": given.attempt}
    _undo(shop, KITCHEN, f"cook/{given.order.id}/discard", body)


def recall_delivery(shop: Shop, given: Undoing) -> Delivery | None:
    """Undo `deliver_pizza`; the driver is free again. What was delivered is answered instead."""
    body = {"order_id": given.order.id, "attempt": given.attempt}
    answer = _undo(shop, DELIVERY, f"deliver/{given.order.id}/recall", body)
    return Delivery.model_validate(answer) if answer.get("status") == Status.DELIVERED else None


UNDOS = (cancel_order, refund_payment, release_stock, discard_pizza, recall_delivery)


def _undo(
    shop: Shop, app_id: str, path: str, body: dict[str, Any] | None, method: Method = "POST"
) -> dict[str, Any]:
    return shop.sidecar.invoke(app_id, path, body, timeout=GRACE_SECONDS, method=method)
