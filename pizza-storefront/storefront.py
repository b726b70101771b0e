"""The storefront's rules: what there is, what it costs, how an order is taken and cancelled."""

from typing import Any

from pizza_common.announcer import Announcer
from pizza_common.order import PIZZA_TYPES, SIZES, Item, Order, Undo
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace, Step, StepRunner
from pizza_common.status import STOREFRONT_STAGES, Status

CURRENCY = "USD"

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
    """Takes orders, many at a time. Every method raises Unavailable."""

    def __init__(self, sidecar: Sidecar, pace: Pace, announcer: Announcer) -> None:
        self._taking = StepRunner(TAKING, sidecar, pace)
        self._announcer = announcer

    def order(self, order: Order) -> dict[str, Any]:
        """Take it; asked twice, give the first answer again. Raises Conflict."""
        return self._taking.run(order, lambda: {"total_cents": total_cents(order)})

    def confirm(self, order: Order, cents: int, estimated_at: str) -> dict[str, Any]:
        """Tell the customer what it costs and when it comes. Raises Undone once cancelled."""
        self._taking.check_not_undone(order.id)
        detail = f"{cents} cents, estimated at {estimated_at}"
        self._announcer.tell(order, Status.ORDER_CONFIRMED, detail=detail)
        told = {"total_cents": cents, "estimated_at": estimated_at}
        return {"order_id": order.id, "status": Status.ORDER_CONFIRMED.value, **told}

    def cancel(self, order_id: str, undo: Undo) -> dict[str, Any]:
        """Tell the customer; do not take it any more."""
        return self._taking.undo(order_id, undo)

    def forget(self, order_id: str) -> None:
        """Drop what is kept of how it was taken."""
        self._taking.forget(order_id)


def menu() -> dict[str, Any]:
    """Every pizza with its price in cents for each size."""
    pizzas = [{"pizza_type": name, "prices": prices_of(name)} for name in PIZZA_TYPES]
    return {"sizes": list(SIZES), "currency": CURRENCY, "pizzas": pizzas}


def prices_of(pizza_type: str) -> dict[str, int]:
    """Cents by size."""
    return dict(zip(SIZES, PRICES[pizza_type], strict=True))


def total_cents(order: Order) -> int:
    """What the order costs."""
    return sum(map(item_cents, order.all_items()))


def item_cents(item: Item) -> int:
    """What all pizzas of an item cost."""
    return prices_of(item.pizza_type)[item.size] * item.quantity
