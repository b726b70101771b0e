"""The delivery's rules: how an order reaches its customer, and how it is recalled."""

from collections.abc import Sequence
from typing import Any

from drivers import Drivers, NoDriver
from pizza_common.errors import PeerRefused, Unavailable, Undone
from pizza_common.order import Order, Undo
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace, Step, StepRunner
from pizza_common.status import DELIVERY_STAGES, FINAL, Status

DELIVERING = Step(
    service="pizza-delivery",
    key="deliver",
    stages=DELIVERY_STAGES,
    done=Status.DELIVERED,
    undone=Status.DELIVERY_RECALLED,
    undone_word="recalled",
    final=True,
)

ORDER_BOOK = "pizza-order"
ASK_SECONDS = 1.0

OLDEST = 3
"""So many orders that are long on the road are looked up at a time; the others have to wait."""


class Delivery:
    """Delivers orders, as many at a time as there are drivers. Every method raises Unavailable."""

    def __init__(
        self, sidecar: Sidecar, pace: Pace, drivers: int, driver_wait_seconds: float
    ) -> None:
        self._delivering = StepRunner(DELIVERING, sidecar, pace)
        self._sidecar = sidecar
        self._drivers = Drivers(sidecar, drivers, driver_wait_seconds, self._over_among)

    def deliver(self, order: Order) -> dict[str, Any]:
        """Deliver it; asked twice, give the first answer again. Raises Conflict.

        A delivery that is interrupted keeps its driver, and goes on when it is asked again. Without
        a free driver the answer is the order `waiting_for_driver`: it is to be asked for again.
        """
        try:
            answer = self._delivering.run(order, lambda: {"driver": self._drivers.assign(order.id)})
        except NoDriver:
            self._delivering.tell_first(order, Status.WAITING_FOR_DRIVER)
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

    def forget(self, order_id: str) -> None:
        """Drop what is kept of an order that is over; its driver is free again."""
        self._delivering.forget(order_id)
        self._drivers.free(order_id)

    def roster(self) -> list[dict[str, Any]]:
        """Every driver, with the order they are busy with."""
        return self._drivers.roster()

    def _over_among(self, order_ids: Sequence[str]) -> list[str]:
        """Those orders, the oldest first, that are delivered, recalled, or over without either.

        A terminated order recalls nothing, and a process that died cannot free its driver.
        """
        over = self._delivering.over_among(order_ids)
        left = [order_id for order_id in order_ids if order_id not in over]
        ended = [order_id for order_id in left[:OLDEST] if self._is_ended(order_id)]
        for order_id in ended:
            # One that is still on its way somewhere must not go on with another order's driver.
            self._delivering.undo(order_id, Undo(reason="the order is over"))
        return over + ended

    def _is_ended(self, order_id: str) -> bool:
        path = f"order/{order_id}"
        try:
            found = self._sidecar.invoke(ORDER_BOOK, path, timeout=ASK_SECONDS, method="GET")
        except (PeerRefused, Unavailable):
            return False
        return found.get("status") in FINAL
