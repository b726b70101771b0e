"""The loyalty rules: how many orders each customer had, and when one is free.

Each customer has a ledger with `{"delivered": n}`; its members are the orders that were counted,
so an event that comes twice counts once.
"""

from typing import Any

from pizza_common.event import OrderEvent
from pizza_common.ledger import Ledger
from pizza_common.locks import KeyLocks
from pizza_common.sidecar import Sidecar
from pizza_common.status import Status

EVERY = 10
"""Of so many orders of a customer, the last has a free pizza."""

Card = dict[str, Any]


class Loyalty:
    """Every method raises Unavailable and may be called again."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._locks = KeyLocks()

    def note(self, event: OrderEvent) -> None:
        """Count a delivered order, once."""
        if event.status == Status.DELIVERED:
            customer = event.order.customer.key
            with self._locks.held(customer):
                self._ledger(customer).change(f"loyalty_order_{event.order_id}", _count)

    def card(self, customer: str) -> Card:
        """How many orders the customer had, and whether the next has a free pizza."""
        return _shown(customer, self._ledger(customer).content()["delivered"])

    def initialize(self, customer: str, delivered: int) -> Card:
        """Begin, or correct, a customer's count."""
        begun = f"loyalty_begin_{customer}"
        with self._locks.held(customer):
            self._ledger(customer).change(begun, lambda *_: ({"delivered": delivered}, {}))
        return _shown(customer, delivered)

    def _ledger(self, customer: str) -> Ledger:
        return Ledger(self._sidecar, f"loyalty_{customer}", lambda: {"delivered": 0})


def _count(card: Card, counted: dict[str, Any] | None) -> tuple[Card, dict[str, Any]] | None:
    return None if counted is not None else ({"delivered": card["delivered"] + 1}, {})


def _shown(customer: str, delivered: int) -> Card:
    free_next = delivered % EVERY == EVERY - 1
    return {"customer": customer, "delivered": delivered, "free_next": free_next}
