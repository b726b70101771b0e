"""The steps of the story: one function each, one effect each, safe to run twice.

Their input is {"order": the order} and, where it matters, "attempt" (1, and one more for each
remake). The peers know a step by order id and attempt and answer a repeat as the first time.
Each raises PeerRefused (final) or an Unavailable (tried again by the workflow).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pizza_common.event import OrderEvent
from pizza_common.order import Order
from pizza_common.sidecar import Sidecar
from pizza_common.status import (
    DELIVERY_STAGES,
    KITCHEN_STAGES,
    STOREFRONT_STAGES,
    Stage,
    Status,
)
from validation_slip import ValidationSlips

STOREFRONT = "pizza-storefront"
KITCHEN = "pizza-kitchen"
DELIVERY = "pizza-delivery"

GRACE_SECONDS = 30.0
"""What a peer may take beyond the seconds of its stages."""

Ticket = dict[str, Any]


@dataclass(frozen=True)
class Shop:
    """What the steps work with: the sidecar, and the factor on the peers' stage seconds."""

    sidecar: Sidecar
    time_scale: float = 1.0


Step = Callable[[Shop, Ticket], Any]


def order_pizza(shop: Shop, ticket: Ticket) -> dict[str, Any]:
    """The storefront takes the order and the money."""
    timeout = _seconds(shop, STOREFRONT_STAGES)
    return shop.sidecar.invoke(STOREFRONT, "order", ticket["order"], timeout=timeout)


def cook_pizza(shop: Shop, ticket: Ticket) -> dict[str, Any]:
    """The kitchen cooks; then the manager may decide, even while the workflow is paused."""
    order, attempt = ticket["order"], ticket["attempt"]
    body = order if attempt == 1 else {**order, "attempt": attempt}
    pizza = shop.sidecar.invoke(KITCHEN, "cook", body, timeout=_seconds(shop, KITCHEN_STAGES))
    ValidationSlips(shop.sidecar).open(order["order_id"], attempt)
    return pizza


def validate_pizza(shop: Shop, ticket: Ticket) -> None:
    """Ask for a manager, by marking the order as waiting."""
    announce(shop, {**ticket, "status": Status.WAITING_FOR_VALIDATION})


def deliver_pizza(shop: Shop, ticket: Ticket) -> dict[str, Any]:
    """A driver brings it to the customer."""
    timeout = _seconds(shop, DELIVERY_STAGES)
    return shop.sidecar.invoke(DELIVERY, "deliver", ticket["order"], timeout=timeout)


def announce(shop: Shop, ticket: Ticket) -> None:
    """Publish `ticket["status"]`, with `ticket["detail"]` if there is any, to the order book."""
    event = OrderEvent.announce(
        Order.model_validate(ticket["order"]),
        Status(ticket["status"]),
        "pizza-workflow",
        attempt=ticket.get("attempt", 1),
        detail=str(ticket["detail"])[:500] if ticket.get("detail") else None,
    )
    shop.sidecar.publish(event)


def close_validation(shop: Shop, ticket: Ticket) -> dict[str, Any] | None:
    """End the round undecided; a decision that was accepted before is given instead."""
    slips = ValidationSlips(shop.sidecar)
    return slips.close(ticket["order"]["order_id"], ticket["attempt"])


def refund_order(shop: Shop, ticket: Ticket) -> None:
    """Undo `order_pizza`."""
    _undo(shop, STOREFRONT, "orders/{}/cancel", ticket)


def discard_pizza(shop: Shop, ticket: Ticket) -> None:
    """Undo `cook_pizza` of this attempt."""
    _undo(shop, KITCHEN, "cook/{}/discard", ticket)


def recall_delivery(shop: Shop, ticket: Ticket) -> None:
    """Undo `deliver_pizza`."""
    _undo(shop, DELIVERY, "deliver/{}/recall", ticket)


STEPS: tuple[Step, ...] = (
    order_pizza,
    cook_pizza,
    validate_pizza,
    deliver_pizza,
    announce,
    close_validation,
    refund_order,
    discard_pizza,
    recall_delivery,
)


def _undo(shop: Shop, app_id: str, path: str, ticket: Ticket) -> None:
    order_id = ticket["order"]["order_id"]
    body = {"order_id": order_id, "attempt": ticket.get("attempt", 1)}
    shop.sidecar.invoke(app_id, path.format(order_id), body, timeout=GRACE_SECONDS)


def _seconds(shop: Shop, stages: tuple[Stage, ...]) -> float:
    return GRACE_SECONDS + shop.time_scale * sum(stage.seconds for stage in stages)
