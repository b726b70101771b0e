"""The key of an order: who has it may see and cancel that order, and no other.

It is `<order_id>.<signature>`, always the same for an order, and stands in the link that ordering
gives.
"""

import re

from itsdangerous import BadSignature

from pizza_common.order import ORDER_ID
from pizza_common.signing import untimed

_SHAPE = re.compile(rf"{ORDER_ID}\.[A-Za-z0-9_-]{{43}}")


def order_key(secret: str, order_id: str) -> str:
    """The order's key."""
    return untimed(secret, "order-key").sign(order_id).decode("ascii")


def order_of_key(secret: str, key: str) -> str | None:
    """The order that a key is of; None for what is no key."""
    if not secret or not _SHAPE.fullmatch(key):
        return None
    try:
        return untimed(secret, "order-key").unsign(key).decode("ascii")
    except BadSignature:
        return None


def is_order_key(secret: str, order_id: str, key: str) -> bool:
    """Whether this is the order's key."""
    return order_of_key(secret, key) == order_id
