"""The way to the customer. From the approval on no cancel stops it."""

import itertools
from collections.abc import Generator
from typing import Any

from dapr.ext.workflow import TaskFailedError

from cancellation import OrderStopped
from pizza_activities import deliver_pizza
from pizza_common.status import Status
from place import Place
from saga import Saga, read
from steps import Delivery
from ticket import Terms
from undo_activities import recall_delivery

Way = Generator[Any, Any, Delivery]


class NoDriverCame(OrderStopped):
    """Every driver was on the road for as long as the terms allow."""


def bring(saga: Saga, terms: Terms) -> Way:
    """Have it delivered; if that fails, the driver is recalled at once.

    What was delivered though its answer was lost is not called off: the recall says so. Raises
    TaskFailedError, OrderStopped when it was not delivered.
    """
    try:
        return (yield from _ask_until_brought(saga, terms))
    except (TaskFailedError, OrderStopped):
        saga.ctx.set_custom_status(Place.UNDOING.value)
        found = yield from saga.attempt(recall_delivery)
        if found is None:
            raise
    saga.ctx.set_custom_status(Place.DELIVERING.value)
    return read(deliver_pizza, found)


def _ask_until_brought(saga: Saga, terms: Terms) -> Way:
    """Ask again, on a durable timer, while every driver is on the road. Raises NoDriverCame."""
    end = saga.ctx.current_utc_datetime + terms.driver_patience
    for asked in itertools.count():
        saga.ctx.set_custom_status(Place.DELIVERING.value)
        delivery = read(deliver_pizza, (yield saga.call(deliver_pizza)))
        if delivery.status != Status.WAITING_FOR_DRIVER:
            return delivery
        again = saga.ctx.current_utc_datetime + terms.driver_wait(asked)
        if again > end:
            break
        saga.ctx.set_custom_status(Place.WAITING_FOR_DRIVER.value)
        yield saga.ctx.create_timer(again)
    raise NoDriverCame("every driver was on the road for too long")
