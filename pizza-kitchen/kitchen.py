"""The kitchen's rules: how a pizza is cooked, and discarded."""

from typing import Any

from pizza_common.order import CookOrder, Undo
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace, Step, StepRunner
from pizza_common.status import KITCHEN_STAGES, Status

COOKING = Step(
    service="pizza-kitchen",
    key="cook",
    stages=KITCHEN_STAGES,
    done=Status.COOKED,
    undone=Status.PIZZA_DISCARDED,
    undone_word="discarded",
)


class Kitchen:
    """Cooks orders, many at a time."""

    def __init__(self, sidecar: Sidecar, pace: Pace) -> None:
        self._cooking = StepRunner(COOKING, sidecar, pace)

    def cook(self, order: CookOrder) -> dict[str, Any]:
        """Cook it; asked twice, give the first answer again. Raises Conflict, Unavailable."""
        return self._cooking.run(order, attempt=order.attempt)

    def discard(self, order_id: str, undo: Undo) -> dict[str, Any]:
        """Throw the pizza away, and do not begin it any more. Raises Unavailable."""
        return self._cooking.undo(order_id, undo)
