"""The loyalty rules: how many orders each customer had, and which order has a free pizza.

Each customer has a ledger with `{"delivered": n, "used": n, "held": [<order id>]}`. The tenth, the
twentieth... order earns a gift. One open order holds it; it is used when that order is delivered
and given back when that order ends otherwise. The ledger's members are the orders,
`{"state": held | counted | over}`, so an event or a claim that comes twice, or late, counts once.
"""

from enum import StrEnum
from typing import Any

from pizza_common.event import OrderEvent
from pizza_common.ledger import Change, Ledger
from pizza_common.locks import KeyLocks
from pizza_common.sidecar import Sidecar
from pizza_common.status import FINAL, Status

EVERY = 10
"""Of so many orders of a customer, the last has a free pizza."""

Card = dict[str, Any]
Member = dict[str, Any]
Changed = tuple[Card, Member] | None


class State(StrEnum):
    """Where an order stands with loyalty."""

    HELD = "held"
    COUNTED = "counted"
    OVER = "over"


class Loyalty:
    """Every method raises Unavailable and may be called again."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._locks = KeyLocks()

    def note(self, event: OrderEvent) -> None:
        """Count a delivered order, once; what ended otherwise gives its gift back."""
        if event.status in FINAL:
            ends = _count if event.status == Status.DELIVERED else _give_back
            order_id = event.order_id
            self._change(
                event.order.customer.key,
                order_id,
                lambda card, member: ends(card, member, order_id),
            )

    def claim(self, customer: str, order_id: str) -> dict[str, Any]:
        """Whether this order has a free pizza; if so it holds the gift until it ends."""
        member = self._change(
            customer, order_id, lambda card, member: _claim(card, member, order_id)
        )
        free = bool(member and member.get("gift"))
        return {"customer": customer, "order_id": order_id, "free": free}

    def card(self, customer: str) -> Card:
        """How many orders the customer had, and whether the next has a free pizza."""
        return _shown(customer, self._ledger(customer).content())

    def initialize(self, customer: str, delivered: int) -> Card:
        """Begin, or correct, a customer's count; an open order keeps the gift that it holds."""
        begun = f"loyalty_begin_{customer}"
        with self._locks.held(customer):
            ledger = self._ledger(customer)
            ledger.change(begun, lambda card, _: (_begun(delivered, _whole(card)["held"]), {}))
            return _shown(customer, ledger.content())

    def _change(self, customer: str, order_id: str, change: Change) -> Member | None:
        with self._locks.held(customer):
            return self._ledger(customer).change(f"loyalty_order_{order_id}", change)

    def _ledger(self, customer: str) -> Ledger:
        return Ledger(self._sidecar, f"loyalty_{customer}", lambda: _begun(0))


def _begun(delivered: int, held: tuple[str, ...] | list[str] = ()) -> Card:
    return {"delivered": delivered, "used": delivered // EVERY, "held": list(held)}


def _whole(card: Card) -> Card:
    """A card from before gifts were held has only its count."""
    return card if "used" in card else _begun(card["delivered"])


def _is_free(card: Card) -> bool:
    earned: int = (card["delivered"] + 1) // EVERY
    return earned > card["used"] + len(card["held"])


def _claim(card: Card, member: Member | None, order_id: str) -> Changed:
    card = _whole(card)
    if member is not None or not _is_free(card):
        return None
    return {**card, "held": [*card["held"], order_id]}, {"state": State.HELD, "gift": True}


def _count(card: Card, member: Member | None, order_id: str) -> Changed:
    # A member without a state was counted before there were any.
    if member is not None and member.get("state", State.COUNTED) == State.COUNTED:
        return None
    card = _whole(card)
    used = card["used"] + (order_id in card["held"])
    kept = {**card, "delivered": card["delivered"] + 1, "used": used}
    return _without(kept, order_id), {**(member or {}), "state": State.COUNTED}


def _give_back(card: Card, member: Member | None, order_id: str) -> Changed:
    """Noted for every order, so that a claim that comes later is in vain."""
    if member is not None and member.get("state") != State.HELD:
        return None
    return _without(_whole(card), order_id), {"state": State.OVER}


def _without(card: Card, order_id: str) -> Card:
    return {**card, "held": [each for each in card["held"] if each != order_id]}


def _shown(customer: str, card: Card) -> Card:
    card = _whole(card)
    return {"customer": customer, "delivered": card["delivered"], "free_next": _is_free(card)}
