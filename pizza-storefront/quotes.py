"""What an order would cost, before it is ordered. Nothing is kept or changed."""

from collections.abc import Iterable
from typing import Any

import structlog
from pydantic import BaseModel, Field

from pizza_common.errors import PeerRefused, Unavailable
from pizza_common.order import Basket, Item, PizzaType, Size, StrictModel, Text, customer_key
from pizza_common.sidecar import Sidecar
from storefront import CURRENCY, item_cents, prices_of

LOYALTY = "pizza-loyalty"

LOYALTY_SECONDS = 2.0
"""A price is waited for; whether a pizza is free is a promise that the order can do without."""

log = structlog.get_logger()


class QuoteCustomer(StrictModel):
    """Who asks, as far as loyalty has to know it."""

    name: Text = Field(max_length=100)
    phone: Text = Field(max_length=40)
    address: Text | None = Field(default=None, max_length=200)


class QuoteRequest(Basket):
    """The pizzas, and for whom; without a customer no pizza is free."""

    customer: QuoteCustomer | None = None


class QuotedItem(BaseModel):
    """An item and what it costs, all its pizzas together."""

    pizza_type: PizzaType
    size: Size
    quantity: int
    cents: int


class LoyaltyCount(BaseModel):
    """How many orders the customer had; `free_next` when this one has a free pizza."""

    delivered: int
    free_next: bool


class Quote(BaseModel):
    """What the order would cost now; `loyalty` only when a customer was named and it answers."""

    total_cents: int
    free_cents: int
    to_pay_cents: int
    currency: str
    items: list[QuotedItem]
    loyalty: LoyaltyCount | None = None


def quote(sidecar: Sidecar, asked: QuoteRequest) -> dict[str, Any]:
    """The price of each item and of all, less the customer's free pizza."""
    items = asked.all_items()
    total = sum(map(item_cents, items))
    loyalty = _loyalty_of(sidecar, asked.customer) if asked.customer else None
    free = cheapest_cents(items) if loyalty and loyalty.free_next else 0
    return Quote(
        total_cents=total,
        free_cents=free,
        to_pay_cents=total - free,
        currency=CURRENCY,
        items=[QuotedItem(**item.model_dump(), cents=item_cents(item)) for item in items],
        loyalty=loyalty,
    ).model_dump(exclude_none=True)


def cheapest_cents(items: Iterable[Item]) -> int:
    """What a free pizza takes off: the price of the cheapest one."""
    return min(prices_of(item.pizza_type)[item.size] for item in items)


def _loyalty_of(sidecar: Sidecar, customer: QuoteCustomer) -> LoyaltyCount | None:
    path = f"loyalty/{customer_key(customer.name, customer.phone)}"
    try:
        card = sidecar.invoke(LOYALTY, path, timeout=LOYALTY_SECONDS, method="GET")
    except (PeerRefused, Unavailable) as error:
        log.warning("quoted without loyalty", error=error.title, detail=error.detail)
        return None
    return LoyaltyCount.model_validate(card)
