"""An order found by its id, or by how its id begins."""

import re

from order_details import details_of
from parallel import answers
from pizza_common.errors import NotFound
from pizza_common.order import ORDER_ID
from shop import shop

NEWEST = 100
"""So many orders are looked at for an id that is not whole."""

NO_ID = "An order id has letters, digits, - and _, at most 48."
NONE = f"None: no order has this id, and of the newest {NEWEST} none begins so."


def orders_of(typed: str) -> list[str]:
    """The order of this id, or those of the newest whose ids begin so."""
    if not re.fullmatch(ORDER_ID, typed):
        return []
    try:
        return [details_of(typed, with_history=False).order_id]
    except NotFound:
        path = f"/orders?limit={NEWEST}"
        newest = answers({"newest": lambda: shop().get("pizza-order", path)})["newest"].said
        ids = [order["order_id"] for order in (newest or {"orders": []})["orders"]]
        return [order_id for order_id in ids if order_id.startswith(typed)]


def problem_of(typed: str) -> str:
    """Why nothing was found."""
    return NONE if re.fullmatch(ORDER_ID, typed) else NO_ID
