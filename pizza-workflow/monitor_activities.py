"""The steps of the monitor: what it asks the order book and the kitchen, and what it buys."""

from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, Field, field_serializer

from pizza_activities import GRACE_SECONDS, KITCHEN, Shop
from pizza_common.errors import PeerRefused
from pizza_common.order import Order
from pizza_common.status import Status

ORDER_BOOK = "pizza-order"
MANY = 50
"""Stuck orders that one round reports; the next finds the others first."""

FORGET_SECONDS = 45.0

log = structlog.get_logger()


class Rules(BaseModel):
    """How often to look, and what to buy when."""

    model_config = ConfigDict(frozen=True)

    every_seconds: float = Field(gt=0)
    below: int = Field(ge=0)
    units: int = Field(ge=1)


class Purchase(Rules):
    """What a round buys by; `key` is that round's own, so that it buys nothing twice."""

    key: str | None = Field(default=None, max_length=40)


class StuckOrder(BaseModel):
    """An order that stays in a status longer than its stage allows."""

    order: Order
    status: Status

    @field_serializer("order")
    def _as_sent(self, order: Order) -> dict[str, Any]:
        return order.sent()


class StuckOrders(BaseModel):
    """Those that a round reports."""

    orders: list[StuckOrder]


class Restocked(BaseModel):
    """What was bought, by name."""

    bought: list[str]


class Forgotten(BaseModel):
    """How many orders a sweep forgot, and whether there may be more."""

    orders: int
    more: bool = False


def forget_old(shop: Shop, given: Rules) -> Forgotten:
    """Have one page of orders forgotten that are over since long ago; those in work are kept."""
    del given
    page = shop.sidecar.invoke(ORDER_BOOK, "orders/due", timeout=GRACE_SECONDS)
    forgotten = sum(_forget(shop, order_id) for order_id in page["due"])
    if forgotten:
        log.info("orders forgotten", orders=forgotten)
    return Forgotten(orders=forgotten, more=page["more"])


def find_stuck(shop: Shop, given: Rules) -> StuckOrders:
    """What the order book says is stuck."""
    del given
    path = f"orders?stuck=true&limit={MANY}"
    page = shop.sidecar.invoke(ORDER_BOOK, path, timeout=GRACE_SECONDS, method="GET")
    orders = [_stuck(found) for found in page["orders"]]
    for each in orders:
        log.warning("order is stuck", order_id=each.order.id, status=each.status.value)
    return StuckOrders(orders=orders)


def restock(shop: Shop, given: Purchase) -> Restocked:
    """Buy what is low, each ingredient once under the key that is given."""
    stock = shop.sidecar.invoke(KITCHEN, "stock", timeout=GRACE_SECONDS, method="GET")["stock"]
    low = sorted(name for name, level in stock.items() if level["available"] < given.below)
    for name in low:
        _buy(shop, name, given)
    return Restocked(bought=low)


STEPS = (find_stuck, restock, forget_old)


def _forget(shop: Shop, order_id: str) -> bool:
    """Whether it is forgotten: 409 is an order in work, 404 one that another forgot."""
    try:
        path = f"order/{order_id}"
        shop.sidecar.invoke(ORDER_BOOK, path, timeout=FORGET_SECONDS, method="DELETE")
    except PeerRefused:
        return False
    return True


def _buy(shop: Shop, name: str, given: Purchase) -> None:
    shop.sidecar.invoke(
        KITCHEN,
        f"stock/{name}",
        {"add": given.units},
        timeout=GRACE_SECONDS,
        method="PUT",
        idempotency_key=f"{given.key}-{name}" if given.key else None,
    )
    log.info("restocked", ingredient=name, units=given.units)


def _stuck(found: dict[str, Any]) -> StuckOrder:
    sent = {name: found[name] for name in Order.model_fields if found.get(name) is not None}
    return StuckOrder(order=Order.model_validate(sent), status=Status(found["status"]))
