"""The delivery's rules: who drives, how an order reaches its customer, and how it is recalled."""

import zlib
from typing import Any

from pizza_common.order import Order, Undo
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace, Step, StepRunner
from pizza_common.status import DELIVERY_STAGES, Status

DRIVERS = ("Ada", "Ben", "Chiara", "Dmitri", "Elif", "Femi", "Greta", "Hugo")

DELIVERING = Step(
    service="pizza-delivery",
    key="deliver",
    stages=DELIVERY_STAGES,
    done=Status.DELIVERED,
    undone=Status.DELIVERY_RECALLED,
    undone_word="recalled",
)


class Delivery:
    """Delivers orders, many at a time."""

    def __init__(self, sidecar: Sidecar, pace: Pace) -> None:
        self._delivering = StepRunner(DELIVERING, sidecar, pace)

    def deliver(self, order: Order) -> dict[str, Any]:
        """Deliver it; asked twice, give the first answer again. Raises Conflict, Unavailable."""
        return self._delivering.run(order, {"driver": driver_of(order.id)})

    def recall(self, order_id: str, undo: Undo) -> dict[str, Any]:
        """Call the driver back, and do not send one any more. Raises Unavailable."""
        return self._delivering.undo(order_id, undo)


def driver_of(order_id: str) -> str:
    """The driver of an order: always the same one."""
    return DRIVERS[zlib.crc32(order_id.encode()) % len(DRIVERS)]
