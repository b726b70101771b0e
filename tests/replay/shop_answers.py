"""An order, and what each step answers for it when all goes well."""

from collections.abc import Callable
from typing import Any

ORDER: dict[str, Any] = {
    "order_id": "123",
    "pizza_type": "pepperoni",
    "size": "large",
    "customer": {"name": "John Doe", "address": "123 Main St", "phone": "555-0123"},
}


def three_pizzas() -> dict[str, Any]:
    item = {"pizza_type": "funghi", "size": "small"}
    return {
        "order_id": "123",
        "items": [{**item, "quantity": 2}, item],
        "customer": ORDER["customer"],
    }


def feast() -> dict[str, Any]:
    """45 pizzas."""
    item = {"pizza_type": "funghi", "size": "small"}
    items = [{**item, "quantity": quantity} for quantity in (20, 20, 5)]
    return {"order_id": "123", "items": items, "customer": ORDER["customer"]}


def _cooked(given: dict[str, Any]) -> dict[str, Any]:
    about = {name: given.get(name, 1) for name in ("pizza", "attempt")}
    return {"order_id": "123", "status": "cooked", **about}


def _says(status: str, **more: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda _given: {"order_id": "123", "status": status, **more}


ANSWERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "order_pizza": _says("confirmed", total_cents=1450),
    "ask_loyalty": lambda _: {"free_cents": 0},
    "authorize_payment": lambda given: _says(
        "authorized", amount_cents=1450 - given.get("free_cents", 0)
    )(given),
    "reserve_stock": _says("reserved", ingredients={"dough": 1}),
    "cook_one_pizza": _cooked,
    "cook_pizza": _says("cooked"),
    "settle_decision": lambda given: {**given["decision"], "round": given["attempt"]},
    "deliver_pizza": _says("delivered", driver="Ann"),
} | dict.fromkeys(
    (
        "confirm_order",
        "open_validation",
        "validate_pizza",
        "close_validation",
        "capture_payment",
        "announce",
        "cancel_order",
        "refund_payment",
        "release_stock",
        "discard_pizza",
        "recall_delivery",
        "refund_order",
    ),
    lambda _: None,
)


def after_waiting(times: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A delivery whose drivers are all on the road so many times."""
    said = iter([_says("waiting_for_driver")] * times)
    return lambda given: next(said, ANSWERS["deliver_pizza"])(given)
