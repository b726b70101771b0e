"""The delivery's rules: how an order reaches its customer, and how it is recalled."""

from typing import Any

from drivers import Drivers, NoDriver
from pizza_common.announcer import Announcer
from pizza_common.errors import Undone
from pizza_common.order import Order, Undo
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace, Step, StepRunner
from pizza_common.status import DELIVERY_STAGES, Status

DELIVERING = Step(
    service="pizza-delivery",
    key="deliver",
    stages=DELIVERY_STAGES,
    done=Status.DELIVERED,
    undone=Status.DELIVERY_RECALLED,
    undone_word="recalled",
    final=True,
)


class Delivery:
    """Delivers orders, as many at a time as there are drivers. Every method raises Unavailable."""

    def __init__(
        self, sidecar: Sidecar, pace: Pace, drivers: int, driver_wait_seconds: float
    ) -> None:
        self._delivering = StepRunner(DELIVERING, sidecar, pace)
        self._announcer = Announcer(sidecar, DELIVERING.service)
        over_among = self._delivering.over_among
        self._drivers = Drivers(sidecar, drivers, driver_wait_seconds, over_among)

    def deliver(self, order: Order) -> dict[str, Any]:
        """Deliver it; asked twice, give the first answer again. Raises Conflict.

        A delivery that is interrupted keeps its driver, and goes on when it is asked again. Without
        a free driver the answer is the order `waiting_for_driver`: it is to be asked for again.
        """
        try:
            answer = self._delivering.run(order, lambda: {"driver": self._drivers.assign(order.id)})
        except NoDriver:
            self._announcer.tell_first(order, Status.WAITING_FOR_DRIVER)
            return {**order.sent(), "status": Status.WAITING_FOR_DRIVER.value}
        except Undone:
            self._drivers.free(order.id)
            raise
        self._drivers.free(order.id)
        return answer

    def recall(self, order_id: str, undo: Undo) -> dict[str, Any]:
        """Call the driver back, and do not send one any more; what was delivered stays so.

        Answers as `deliver` when it was.
        """
        answer = self._delivering.undo(order_id, undo)
        self._drivers.free(order_id)
        return answer

    def roster(self) -> list[dict[str, Any]]:
        """Every driver, with the order they are busy with."""
        return self._drivers.roster()
