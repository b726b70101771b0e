"""The rules of the stock: pure changes of the levels and of one order's reservation.

Levels are `{<ingredient>: {"available", "reserved", "used", "bought"}}`, and always
available + reserved + used = bought. A reservation is
`{"order", "status", "waiting": [<pizza>, ...], "cooked": {<pizza>: <attempt>}, "used": {...}}`:
`waiting` are the pizzas, by number, whose ingredients are still reserved. Its status is
`reserved`, `released`, or `none` when the order's pizzas were cooked without one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from pydantic import Field, model_validator

from pizza_common.errors import Conflict, OutOfStock, Undone
from pizza_common.order import Order, StrictModel, Text, misfit
from recipes import INGREDIENTS, Amounts, needs_of_all

Levels = dict[str, dict[str, int]]
Reservation = dict[str, Any]
Turn = tuple[Levels, Reservation]

MAX_UNITS = 1_000_000_000

RESERVED = "reserved"
RELEASED = "released"
NONE = "none"


class Restock(StrictModel):
    """How much of an ingredient is available from now on, or how much more; one of the two.

    `reason` is for those who look at the changes later.
    """

    available: int | None = Field(default=None, ge=0, le=MAX_UNITS)
    add: int | None = Field(default=None, ge=0, le=MAX_UNITS)
    reason: Text | None = Field(default=None, max_length=200)

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if (self.available is None) == (self.add is None):
            raise misfit("available", "send available, or add")
        return self


def first_levels(units: int) -> Levels:
    """So much of everything, and nothing of it spoken for."""
    return {
        name: {"available": units, "reserved": 0, "used": 0, "bought": units}
        for name in INGREDIENTS
    }


def reserve(levels: Levels, known: Reservation | None, order: Order) -> Turn | None:
    """Set aside what all pizzas of the order need. Raises OutOfStock, Undone, Conflict."""
    known = _own(known, order)
    if known["status"] == RESERVED:
        return None
    pizzas = _numbers(order)
    waiting = [number for number in pizzas if str(number) not in known["cooked"]]
    needs = needs_of(order, waiting)
    _check_available(levels, needs)
    reserved = {**known, "status": RESERVED, "waiting": waiting}
    return _moved(levels, needs, "available", "reserved"), reserved


def use(
    levels: Levels, known: Reservation | None, order: Order, pizzas: Sequence[int], attempt: int
) -> Turn | None:
    """Take what these pizzas need, from the reservation if it still holds it, else from the stock.

    Nothing for pizzas that had theirs at this attempt. Raises OutOfStock, Undone, Conflict.
    """
    known = _own(known, order)
    todo = [number for number in pizzas if known["cooked"].get(str(number), 0) < attempt]
    if not todo:
        return None
    held = [number for number in todo if number in known["waiting"]]
    more = needs_of(order, [number for number in todo if number not in held])
    _check_available(levels, more)
    levels = _moved(levels, needs_of(order, held), "reserved", "used")
    cooked = {**known["cooked"], **{str(number): attempt for number in todo}}
    waiting = [number for number in known["waiting"] if number not in held]
    used = _sum(known["used"], needs_of(order, todo))
    changed = {**known, "cooked": cooked, "waiting": waiting, "used": used}
    return _moved(levels, more, "available", "used"), changed


def release(levels: Levels, known: Reservation | None) -> Turn | None:
    """Give back what waits for pizzas that were not cooked; none are cooked any more."""
    if known is None:
        return levels, {"status": RELEASED, "waiting": [], "cooked": {}, "used": {}}
    if known["status"] == RELEASED:
        return None
    levels = _moved(levels, held_by(known), "reserved", "available")
    return levels, {**known, "status": RELEASED, "waiting": []}


def forget(levels: Levels, known: Reservation | None) -> tuple[Levels, None] | None:
    """Give back what is still reserved, and keep nothing of the order but what was used."""
    if known is None:
        return None
    return _moved(levels, held_by(known), "reserved", "available"), None


def held_by(known: Reservation) -> Amounts:
    """What is still reserved."""
    if not known["waiting"]:
        return {}
    return needs_of(Order.model_validate(known["order"]), known["waiting"])


def restock(levels: Levels, name: str, delivery: Restock) -> Levels:
    """The levels with more of an ingredient, or so much of it: bought, or written off."""
    level = levels[name]
    more = delivery.add or 0
    if delivery.available is not None:
        more = delivery.available - level["available"]
    changed = {"available": level["available"] + more, "bought": level["bought"] + more}
    return {**levels, name: {**level, **changed}}


def marked_low(levels: Levels, below: int) -> dict[str, dict[str, int | bool]]:
    """The levels, each with whether fewer units than that are available."""
    return {name: {**level, "low": level["available"] < below} for name, level in levels.items()}


def needs_of(order: Order, numbers: Iterable[int]) -> Amounts:
    """What these pizzas of an order need; numbers from 1."""
    pizzas = order.all_pizzas()
    return needs_of_all(pizzas[number - 1] for number in numbers)


def _numbers(order: Order) -> range:
    return range(1, len(order.all_pizzas()) + 1)


def _own(known: Reservation | None, order: Order) -> Reservation:
    """The order's reservation, new if there is none. Raises Undone, Conflict."""
    if known is None:
        return {"order": order.sent(), "status": NONE, "waiting": [], "cooked": {}, "used": {}}
    if known["status"] == RELEASED:
        raise Undone(f"the stock of order {order.id} was released")
    if not order.same_content(Order.model_validate(known["order"])):
        raise Conflict(f"order {order.id} was already given with other content")
    return known


def _check_available(levels: Levels, needs: Mapping[str, int]) -> None:
    missing = [
        f"{name} ({amount} needed, {levels[name]['available']} left)"
        for name, amount in needs.items()
        if levels[name]["available"] < amount
    ]
    if missing:
        raise OutOfStock(f"The kitchen has not enough {', '.join(missing)}.")


def _moved(levels: Levels, amounts: Mapping[str, int], source: str, target: str) -> Levels:
    moved = {
        name: {
            **levels[name],
            source: levels[name][source] - amount,
            target: levels[name][target] + amount,
        }
        for name, amount in amounts.items()
    }
    return {**levels, **moved}


def _sum(first: Mapping[str, int], second: Mapping[str, int]) -> Amounts:
    return dict(Counter(first) + Counter(second))
