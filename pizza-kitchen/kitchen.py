"""The kitchen's rules: how a pizza is cooked, and discarded."""

from collections.abc import Sequence
from typing import Any

from larder import Larder
from pizza_common.errors import NotFound
from pizza_common.order import CookOrder, Order, Undo
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace, Prepare, Step, StepRunner
from pizza_common.status import KITCHEN_STAGES, Status
from pizza_progress import PizzaProgress, progress_of

COOKING = Step(
    service="pizza-kitchen",
    key="cook",
    stages=KITCHEN_STAGES,
    done=Status.COOKED,
    undone=Status.PIZZA_DISCARDED,
    undone_word="discarded",
)


class Kitchen:
    """Cooks orders, many at a time, with what the larder has."""

    def __init__(self, sidecar: Sidecar, pace: Pace, larder: Larder) -> None:
        self._cooking = StepRunner(COOKING, sidecar, pace)
        self._larder = larder

    def cook(self, order: CookOrder) -> dict[str, Any]:
        """Cook the whole order; asked twice, give the first answer again.

        Raises Conflict, Unavailable.
        """
        pizzas = list(range(1, len(order.all_pizzas()) + 1))
        return self._cooking.run(order, self._fetching(order, pizzas, order.attempt), order.attempt)

    def cook_pizza(self, order: Order, number: int, attempt: int) -> dict[str, Any]:
        """Cook one pizza of the order; asked twice, give the first answer again.

        Raises NotFound when the order has not so many, Conflict, Unavailable.
        """
        pizzas = order.all_pizzas()
        if not 1 <= number <= len(pizzas):
            raise NotFound(f"order {order.id} has no pizza {number}")
        pizza = pizzas[number - 1].model_dump(include={"pizza_type", "size"})
        answer = {"order_id": order.id, "pizza": number, **pizza, "attempt": attempt}
        return self._cooking.run_part(
            order,
            str(number),
            {**answer, "status": COOKING.done.value},
            self._fetching(order, [number], attempt),
            attempt,
        )

    def pizzas(self, order_id: str) -> list[PizzaProgress]:
        """How far each pizza of the order is. Raises NotFound, Unavailable."""
        record = self._cooking.records_of([order_id])[order_id]
        order = record.get("order") or self._larder.order_of(order_id)
        if order is None:
            raise NotFound(f"the kitchen knows no order {order_id}")
        return progress_of(Order.model_validate(order), record)

    def progress_of_all(self, orders: Sequence[Order]) -> dict[str, list[PizzaProgress]]:
        """How far the pizzas of these orders are, by their ids. Raises Unavailable."""
        records = self._cooking.records_of([order.id for order in orders])
        return {order.id: progress_of(order, records[order.id]) for order in orders}

    def discard(self, order_id: str, undo: Undo) -> dict[str, Any]:
        """Throw the pizzas away, and do not begin them any more. Raises Unavailable."""
        return self._cooking.undo(order_id, undo)

    def forget(self, order_id: str) -> None:
        """Keep nothing of an order that is over but what it used. Raises Unavailable."""
        self._cooking.forget(order_id)
        self._larder.forget(order_id)

    def _fetching(self, order: Order, pizzas: list[int], attempt: int) -> Prepare:
        """What a cook does first: fetch the ingredients, which adds nothing to the answer."""

        def fetch() -> dict[str, Any]:
            self._larder.use(order, pizzas, attempt)
            return {}

        return fetch
