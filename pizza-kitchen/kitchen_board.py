"""The kitchen's board: the pizzas of all orders that are to be cooked, cook, or are looked at.

The order book says which orders these are, the kitchen's own records how far each pizza is.
"""

from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import urlencode

from kitchen import Kitchen
from pizza_common.order import OrderId, StepOrder
from pizza_common.sidecar import Sidecar
from pizza_common.status import KITCHEN_STAGES, Status
from pizza_progress import PizzaProgress, remake_of

ORDER_BOOK = "pizza-order"

MANY_PIZZAS = 200
MANY_ORDERS = 100

Column = Literal["waiting", "cooking", "validation", "remaking"]

_ASK_SECONDS = 10.0

_TO_COOK = (
    Status.VALIDATING,
    Status.PROCESSING,
    Status.CONFIRMED,
    Status.PAYMENT_AUTHORIZED,
    Status.STOCK_RESERVED,
    Status.ORDER_CONFIRMED,
)
_COOKING = tuple(stage.status for stage in KITCHEN_STAGES)
# Rejected ones stay where they are until they are remade or thrown away.
_VALIDATION = (Status.COOKED, Status.WAITING_FOR_VALIDATION, Status.REJECTED)
_ON_BOARD = (*_TO_COOK, *_COOKING, *_VALIDATION, Status.REMAKING)
_QUERY = urlencode(
    {"oldest": "true", "limit": MANY_ORDERS, "status": [each.value for each in _ON_BOARD]},
    doseq=True,
)


class BoardPizza(PizzaProgress):
    """A pizza on the board; `since` is when the shop got its order."""

    order_id: OrderId
    since: str
    column: Column


class KitchenBoard:
    """Reads only. Every method raises Unavailable."""

    def __init__(self, sidecar: Sidecar, kitchen: Kitchen) -> None:
        self._sidecar = sidecar
        self._kitchen = kitchen

    def pizzas(self) -> tuple[list[BoardPizza], bool]:
        """The pizzas of the oldest orders first, and whether there may be more."""
        path = f"orders?{_QUERY}"
        answer = self._sidecar.invoke(ORDER_BOOK, path, timeout=_ASK_SECONDS, method="GET")
        orders = answer["orders"]
        progress = self._kitchen.progress_of_all(
            [StepOrder.model_validate(listed) for listed in orders]
        )
        found = [
            pizza for listed in orders for pizza in _pizzas_of(listed, progress[listed["order_id"]])
        ]
        return found[:MANY_PIZZAS], len(orders) == MANY_ORDERS or len(found) > MANY_PIZZAS


def _pizzas_of(listed: dict[str, Any], pizzas: list[PizzaProgress]) -> Iterator[BoardPizza]:
    status, round_ = Status(listed["status"]), listed["attempt"]
    to_make = round_ + 1 if status is Status.REMAKING else round_
    for pizza in pizzas:
        if pizza.attempt < to_make:
            pizza = remake_of(pizza, to_make)
        if pizza.state != "discarded":
            yield BoardPizza(
                **pizza.model_dump(),
                order_id=listed["order_id"],
                since=listed["placed_at"],
                column=_column(status, pizza),
            )


def _column(status: Status, pizza: PizzaProgress) -> Column:
    if status in _VALIDATION:
        return "validation"
    if pizza.attempt > 1:
        return "remaking"
    return "waiting" if pizza.state == "waiting" else "cooking"
