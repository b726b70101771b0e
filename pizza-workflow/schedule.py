"""Whether an order can be taken for the time that it is wanted at."""

from collections.abc import Callable

from pizza_common.errors import BadInput
from pizza_common.order import Order
from pizza_common.wanted_time import why_not_at


def check_schedule(order: Order, is_known: Callable[[str], bool]) -> None:
    """Raises BadInput for a time that cannot be kept; an order that is known is not asked again."""
    if order.scheduled_for is None or is_known(order.id):
        return
    if why := why_not_at(order.scheduled_for):
        raise BadInput("Cannot use: scheduled_for", [("scheduled_for", why)])
