"""What of an order waits for a person, as its timeline tells. Pure functions.

A notice names the steps that gave up, `refund_payment: <error>; release_stock: <error>`. It is
settled once each of them has happened all the same, as when an operator has done it by hand.

A terminated order was not undone, and no notice says what it holds still: that follows from what it
began, until it is given back or used.
"""

import re

from pizza_common.status import DELIVERY_STAGES, Status, stuck_at
from pizza_common.timeline import Entry, status_of

_STUCK = frozenset(map(stuck_at, Status))

_SETTLED_BY: dict[str, frozenset[Status]] = {
    "refund_payment": frozenset({Status.PAYMENT_VOIDED, Status.PAYMENT_REFUNDED}),
    "capture_payment": frozenset({Status.PAYMENT_CAPTURED, Status.PAYMENT_REFUNDED}),
    "release_stock": frozenset({Status.STOCK_RELEASED}),
    "recall_delivery": frozenset({Status.DELIVERY_RECALLED}),
    "cancel_order": frozenset({Status.ORDER_CANCELLED}),
}
"""Not `discard_pizza`: the pizzas of an earlier round were discarded, too."""

_MONEY = _SETTLED_BY["refund_payment"] | _SETTLED_BY["capture_payment"]

_HELD: tuple[tuple[str, frozenset[Status], frozenset[Status]], ...] = (
    ("money is still set aside", frozenset({Status.PAYMENT_AUTHORIZED}), _MONEY),
    (
        "ingredients are still reserved",
        frozenset({Status.STOCK_RESERVED}),
        frozenset({Status.STOCK_RELEASED, Status.COOKED}),
    ),
    (
        "a driver is still with it",
        frozenset(stage.status for stage in DELIVERY_STAGES),
        frozenset({Status.DELIVERED, Status.DELIVERY_RECALLED}),
    ),
)
"""What an order may hold, since when, and until when."""

_STEP = re.compile(r"(?:^|; )([a-z]+_[a-z_]+): ")


def told_to_people(timeline: list[Entry]) -> list[str]:
    """All notices, in their order."""
    notices = (entry for entry in timeline if entry["status"] == Status.NEEDS_ATTENTION)
    return [entry.get("detail", "") for entry in notices]


def attention_of(timeline: list[Entry]) -> list[str]:
    """The notices that a person has to see to still, and what a terminated order holds still."""
    status = status_of(timeline)
    told = told_to_people(timeline)
    if not told and status != Status.TERMINATED:
        return []
    happened = {Status(entry["status"]) for entry in timeline}
    # Where the order was stuck before, it got going again by itself.
    waiting = (detail for detail in told if detail not in _STUCK or detail == stuck_at(status))
    left = [detail for detail in waiting if not _is_settled(detail, happened)]
    return left + (_held(happened) if status == Status.TERMINATED else [])


def _held(happened: set[Status]) -> list[str]:
    return [what for what, since, until in _HELD if since & happened and not until & happened]


def _is_settled(detail: str, happened: set[Status]) -> bool:
    steps = _STEP.findall(detail)
    return bool(steps) and all(_SETTLED_BY.get(step, set()) & happened for step in steps)
