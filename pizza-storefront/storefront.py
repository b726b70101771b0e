"""The storefront's rules: what there is, what it costs, how an order is taken and cancelled."""

from typing import Any

from pizza_common.order import PIZZA_TYPES, SIZES, Order, Undo
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace, Step, StepRunner
from pizza_common.status import STOREFRONT_STAGES, Status

# integer cents, by size in the order of SIZES
PRICES = {
    "margherita": (800, 1000, 1200),
    "pepperoni": (950, 1200, 1450),
    "hawaiian": (950, 1200, 1450),
    "vegetarian": (900, 1150, 1400),
    "quattro_formaggi": (1000, 1250, 1500),
    "diavola": (1000, 1250, 1500),
    "capricciosa": (1050, 1300, 1550),
    "funghi": (900, 1150, 1400),
}

TAKING = Step(
    service="pizza-storefront",
    key="take",
    stages=STOREFRONT_STAGES,
    done=Status.CONFIRMED,
    undone=Status.ORDER_CANCELLED,
    undone_word="cancelled",
)


class Storefront:
    """Takes orders, many at a time."""

    def __init__(self, sidecar: Sidecar, pace: Pace) -> None:
        self._taking = StepRunner(TAKING, sidecar, pace)

    def order(self, order: Order) -> dict[str, Any]:
        """Take it; asked twice, give the first answer again. Raises Conflict, Unavailable."""
        return self._taking.run(order, {"total_cents": total_cents(order)})

    def cancel(self, order_id: str, undo: Undo) -> dict[str, Any]:
        """Refund it and tell the customer; do not take it any more. Raises Unavailable."""
        return self._taking.undo(order_id, undo, detail="refunded")


def menu() -> dict[str, Any]:
    """Every pizza with its price in cents for each size."""
    pizzas = [{"pizza_type": name, "prices": prices_of(name)} for name in PIZZA_TYPES]
    return {"sizes": list(SIZES), "currency": "USD", "pizzas": pizzas}


def prices_of(pizza_type: str) -> dict[str, int]:
    """Cents by size."""
    return dict(zip(SIZES, PRICES[pizza_type], strict=True))


def total_cents(order: Order) -> int:
    """What the order costs."""
    return sum(prices_of(item.pizza_type)[item.size] * item.quantity for item in order.all_items())
