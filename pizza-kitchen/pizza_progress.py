"""How far each pizza of an order is, told from the record of its cooking. Pure functions."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from pizza_common.order import Attempt, Order, PizzaType, Size
from pizza_common.status import KITCHEN_STAGES, Status
from pizza_common.step_records import Record, last_attempt

State = Literal["waiting", "cooking", "cooked", "discarded"]

_SECONDS = [stage.seconds for stage in KITCHEN_STAGES]


class PizzaProgress(BaseModel):
    """One pizza: its `stage` while it cooks, and its `share` of all stages by their seconds."""

    pizza: int
    pizza_type: PizzaType
    size: Size
    attempt: Attempt
    state: State
    stage: Status | None
    share: float = Field(ge=0, le=1)


def progress_of(order: Order, record: Record) -> list[PizzaProgress]:
    """All pizzas of an order, those of the latest attempt that was begun."""
    attempt = max(1, last_attempt(record))
    return [
        PizzaProgress(
            pizza=number,
            pizza_type=pizza.pizza_type,
            size=pizza.size,
            attempt=attempt,
            **_reached(record, _cooking_of(record, number), attempt),
        )
        for number, pizza in enumerate(order.all_pizzas(), 1)
    ]


def remake_of(pizza: PizzaProgress, attempt: int) -> PizzaProgress:
    """The pizza as it waits to be made anew."""
    changes = {"attempt": attempt, "state": "waiting", "stage": None, "share": 0.0}
    return pizza.model_copy(update=changes)


def _cooking_of(record: Record, number: int) -> Record:
    """The pizza's own progress or, where it came further, that of the order cooked as a whole."""
    own: Record = record.get("parts", {}).get(str(number), {})
    return max(own, record, key=lambda progress: progress.get("attempt", 0))


def _reached(record: Record, cooking: Record, attempt: int) -> dict[str, Any]:
    if record.get("undone", 0) >= attempt:
        return {"state": "discarded", "stage": None, "share": 0.0}
    if cooking.get("attempt", 0) < attempt:
        return {"state": "waiting", "stage": None, "share": 0.0}
    if "answer" in cooking:
        return {"state": "cooked", "stage": None, "share": 1.0}
    finished = min(cooking["finished"], len(KITCHEN_STAGES) - 1)
    share = sum(_SECONDS[:finished]) / sum(_SECONDS)
    return {"state": "cooking", "stage": KITCHEN_STAGES[finished].status, "share": round(share, 3)}
