"""Which orders this browser made: kept in its session, the newest first."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app, session

from person import ORDERS, act_as, person
from pizza_common.order_key import is_order_key, order_key
from pizza_common.principal import Principal

KEPT = 20
"""A cookie has room for so many; each of them is looked up when they are listed."""


def my_orders() -> list[str]:
    """Their ids."""
    return list(session.get(ORDERS, ()))


def note(order_id: str) -> None:
    """This browser made this order."""
    others = [each for each in my_orders() if each != order_id]
    session[ORDERS] = [order_id, *others][:KEPT]


def key_of_order(order_id: str) -> str:
    """The key of its link."""
    return order_key(_secret(), order_id)


def customer_of(order_id: str) -> Principal:
    """Who has the order's link."""
    return Principal("customer", frozenset({"customer"}), order_id)


def is_key(order_id: str, key: str) -> bool:
    """Whether this is the key of the order's link."""
    return is_order_key(_secret(), order_id, key)


@contextmanager
def asking_as(who: Principal) -> Iterator[None]:
    """While the block lasts the services are asked as this principal; the page is the person's."""
    before = person()
    act_as(who)
    try:
        yield
    finally:
        act_as(before)


def _secret() -> str:
    secret: str = current_app.extensions["secret"]
    return secret
