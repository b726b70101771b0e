"""The way to the customer. From the approval on no cancel stops it."""

from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import TaskFailedError

from cancellation import OrderStopped
from pizza_activities import deliver_pizza
from place import Place
from saga import Saga, read
from steps import Delivery
from undo_activities import recall_delivery

Way = Generator[Any, Any, Delivery]


def bring(saga: Saga) -> Way:
    """Have it delivered; if that fails, the driver is recalled at once.

    What was delivered though its answer was lost is not called off: the recall says so. Raises
    TaskFailedError, OrderStopped when it was not delivered.
    """
    saga.ctx.set_custom_status(Place.DELIVERING.value)
    try:
        return read(deliver_pizza, (yield saga.call(deliver_pizza)))
    except (TaskFailedError, OrderStopped):
        saga.ctx.set_custom_status(Place.UNDOING.value)
        found = yield from saga.attempt(recall_delivery)
        if found is None:
            raise
    saga.ctx.set_custom_status(Place.DELIVERING.value)
    return read(deliver_pizza, found)
