"""The loyalty rules: how many orders each customer had, and which order has a free pizza.

Each customer has a ledger with `{"delivered": n, "used": n, "held": [<order id>]}`. The tenth, the
twentieth... order earns a gift. One open order holds it; it is used when that order is delivered
and given back when that order ends otherwise. The ledger's members are the orders,
`{"state": held | counted | over}`, so an event or a claim that comes twice, or late, counts once.

An order that is forgotten leaves a mark, `{"state": forgotten, "at", "counted"}`, which expires:
what was said until then is about that order, and what is said later about a new one of the same
id. The new one's member has the time as `after`.
"""

from enum import StrEnum
from typing import Any

import structlog

from pizza_common.event import OrderEvent, moment
from pizza_common.ledger import Change, Ledger
from pizza_common.locks import KeyLocks
from pizza_common.retention import Retention
from pizza_common.sidecar import Sidecar
from pizza_common.status import FINAL, Status

log = structlog.get_logger()

EVERY = 10
"""Of so many orders of a customer, the last has a free pizza."""

Card = dict[str, Any]
Member = dict[str, Any]
Changed = tuple[Card, Member] | None
KEEPS_ALL = Retention()


class State(StrEnum):
    """Where an order stands with loyalty."""

    HELD = "held"
    COUNTED = "counted"
    OVER = "over"
    FORGOTTEN = "forgotten"


class Loyalty:
    """Every method raises Unavailable and may be called again."""

    def __init__(self, sidecar: Sidecar, keep: Retention = KEEPS_ALL) -> None:
        self._sidecar = sidecar
        self._keep = keep
        self._locks = KeyLocks()

    def note(self, event: OrderEvent) -> None:
        """Count a delivered order, once; what ended otherwise gives its gift back."""
        if event.status in FINAL:
            customer = event.order.customer.key
            self._change(
                customer, event.order_id, lambda card, member: self._note(card, member, event)
            )

    def claim(self, customer: str, order_id: str) -> dict[str, Any]:
        """Whether this order has a free pizza; if so it holds the gift until it ends."""
        member = self._change(
            customer, order_id, lambda card, member: _claim(card, member, order_id)
        )
        free = bool(member and member.get("gift"))
        return {"customer": customer, "order_id": order_id, "free": free}

    def forget(self, customer: str, order_id: str) -> None:
        """Keep nothing of an order that is over but what it counted; it holds no gift any more."""
        at = moment()
        self._change(
            customer,
            order_id,
            lambda card, member: _forget(card, member, order_id, at),
            self._keep.mark_seconds,
        )

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

    def _note(self, card: Card, member: Member | None, event: OrderEvent) -> Changed:
        if member is None and self._keep.is_beyond_marks(event.at):
            log.warning("event dropped, older than what is kept", event_id=event.event_id)
            return None
        if event.at <= (member or {}).get("after", ""):
            return None
        if member and member.get("state") == State.FORGOTTEN and event.at <= member["at"]:
            return _count_late(card, member) if event.status == Status.DELIVERED else None
        ends = _count if event.status == Status.DELIVERED else _give_back
        return ends(card, _anew(member), event.order_id)

    def _change(
        self, customer: str, order_id: str, change: Change, ttl: int | None = None
    ) -> Member | None:
        with self._locks.held(customer):
            return self._ledger(customer).change(f"loyalty_order_{order_id}", change, ttl)

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


def _anew(member: Member | None) -> Member | None:
    """The member of an order that has the id of a forgotten one."""
    if member is None or member.get("state") != State.FORGOTTEN:
        return member
    return {"after": member["at"]}


def _has_state(member: Member | None) -> bool:
    # A member without a state was counted before there were any.
    return member is not None and ("state" in member or "after" not in member)


def _claim(card: Card, member: Member | None, order_id: str) -> Changed:
    card, member = _whole(card), _anew(member)
    if _has_state(member) or not _is_free(card):
        return None
    held = {**card, "held": [*card["held"], order_id]}
    return held, {**(member or {}), "state": State.HELD, "gift": True}


def _count(card: Card, member: Member | None, order_id: str) -> Changed:
    if _has_state(member) and (member or {}).get("state", State.COUNTED) == State.COUNTED:
        return None
    card = _whole(card)
    used = card["used"] + (order_id in card["held"])
    kept = {**card, "delivered": card["delivered"] + 1, "used": used}
    return _without(kept, order_id), {**(member or {}), "state": State.COUNTED}


def _give_back(card: Card, member: Member | None, order_id: str) -> Changed:
    """Noted for every order, so that a later claim gets no gift."""
    if _has_state(member) and (member or {}).get("state") != State.HELD:
        return None
    after = {"after": member["after"]} if member and "after" in member else {}
    return _without(_whole(card), order_id), {**after, "state": State.OVER}


def _forget(card: Card, member: Member | None, order_id: str, at: str) -> Changed:
    state = (member or {}).get("state", State.COUNTED if _has_state(member) else None)
    counted = state == State.COUNTED or (state == State.FORGOTTEN and (member or {})["counted"])
    mark = {"state": State.FORGOTTEN, "at": at, "counted": counted}
    return _without(_whole(card), order_id), mark


def _count_late(card: Card, mark: Member) -> Changed:
    """The forgotten order was delivered, which is heard only now."""
    if mark["counted"]:
        return None
    card = _whole(card)
    return {**card, "delivered": card["delivered"] + 1}, {**mark, "counted": True}


def _without(card: Card, order_id: str) -> Card:
    return {**card, "held": [each for each in card["held"] if each != order_id]}


def _shown(customer: str, card: Card) -> Card:
    card = _whole(card)
    return {"customer": customer, "delivered": card["delivered"], "free_next": _is_free(card)}
