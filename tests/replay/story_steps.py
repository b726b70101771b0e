"""The story's steps up to each place, and its undos from each place, as tests compare them."""

from typing import Any

TAKEN = ["order_pizza"]
CONFIRMED = [*TAKEN, "ask_loyalty", "authorize_payment", "reserve_stock", "confirm_order"]
COOKED = [*CONFIRMED, "cook_one_pizza", "announce cooked", "open_validation"]
WAITING = [*COOKED, "validate_pizza"]
APPROVED = [*WAITING, "announce validated"]
DELIVERED = [*APPROVED, "deliver_pizza", "capture_payment"]

UNDO_PAYING = ["release_stock", "refund_payment", "cancel_order"]
UNDO_COOKING = ["discard_pizza", *UNDO_PAYING]
UNDO_ALL = ["recall_delivery", *UNDO_COOKING]

FAILED = ["announce failed"]
CANCELLED = ["announce cancelled"]

ROUND_2 = ["cook_one_pizza 2", "announce cooked 2", "open_validation 2", "validate_pizza 2"]


def ended(status: str, **more: Any) -> dict[str, Any]:
    return {"order_id": "123", "status": status, **more}
