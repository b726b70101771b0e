"""When an order may be wanted: in the future, and not too far in it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pizza_common.errors import BadInput
from pizza_common.order import Order

FARTHEST = timedelta(days=30)


def check_schedule(order: Order, is_known: Callable[[str], bool]) -> None:
    """Raises BadInput for a time that cannot be kept; an order that is known is not asked again."""
    if order.scheduled_for is None or is_known(order.id):
        return
    wait = datetime.fromisoformat(order.scheduled_for) - datetime.now(UTC)
    if wait <= timedelta():
        raise _misfit("is not in the future")
    if wait > FARTHEST:
        raise _misfit(f"is more than {FARTHEST.days} days away")


def _misfit(why: str) -> BadInput:
    return BadInput("Cannot use: scheduled_for", [("scheduled_for", why)])
