"""The larder: keeps the stock and the reservations, safe against crashes and other replicas."""

from typing import Any

import stock
import stock_changes
from pizza_common.announcer import Announcer
from pizza_common.errors import Conflict, NotFound
from pizza_common.ledger import Ledger
from pizza_common.order import Order
from pizza_common.sidecar import Sidecar
from pizza_common.status import Status
from recipes import needs_of_all
from stock import Levels, Reservation, Restock

KEY = "stock"

Receipt = dict[str, Any]


class Larder:
    """Every method raises Unavailable and may be called again."""

    def __init__(
        self,
        sidecar: Sidecar,
        announcer: Announcer,
        units: int,
        key_seconds: int | None = None,
    ) -> None:
        self._key_seconds = key_seconds
        self._ledger = Ledger(sidecar, KEY, lambda: stock.first_levels(units))
        self._announcer = announcer

    def levels(self) -> Levels:
        """What there is of each ingredient."""
        return self._ledger.content()

    def changes(self) -> list[dict[str, Any]]:
        """The last purchases and corrections, the latest first."""
        return stock_changes.latest_first(self._ledger.record(stock_changes.KEY))

    def restock(
        self, ingredient: str, delivery: Restock, key: str | None = None, by: str = ""
    ) -> Levels:
        """Set or add to what is available, once for each `key` that is given, while it is known.

        It is noted, with `by` whom. Raises NotFound, Conflict for a key that another ingredient
        had.
        """
        if ingredient not in self.levels():
            raise NotFound(f"there is no ingredient {ingredient}")

        def change(levels: Levels, done: Receipt | None) -> tuple[Levels, Receipt] | None:
            if done is not None and key is not None:
                _check_same(done, ingredient, key)
                return None
            return stock.restock(levels, ingredient, delivery), {"ingredient": ingredient}

        member = f"restock_{key}" if key else "restock"
        note = stock_changes.noting(ingredient, delivery, key, by)
        self._ledger.change(member, change, self._key_seconds, note)
        return self.levels()

    def reserve(self, order: Order) -> dict[str, Any]:
        """Set aside what the order needs. Raises OutOfStock, Undone, Conflict."""
        key = _key(order.id)
        self._ledger.change(key, lambda levels, own: stock.reserve(levels, own, order))
        self._announcer.tell(order, Status.STOCK_RESERVED)
        needs = needs_of_all(order.all_pizzas())
        return {"order_id": order.id, "status": stock.RESERVED, "ingredients": needs}

    def use(self, order: Order, pizzas: list[int], attempt: int) -> None:
        """Take what these pizzas need. Raises OutOfStock, Undone, Conflict."""
        key = _key(order.id)
        self._ledger.change(key, lambda levels, own: stock.use(levels, own, order, pizzas, attempt))

    def release(self, order_id: str) -> dict[str, Any]:
        """Give back what was reserved and not used; safe when nothing was."""
        known = self._ledger.change(_key(order_id), stock.release)
        if known and "order" in known:
            self._announcer.tell(Order.model_validate(known["order"]), Status.STOCK_RELEASED)
        return {"order_id": order_id, "status": "released"}

    def forget(self, order_id: str) -> None:
        """Give back what is reserved, and keep only what was used, in the levels."""
        self._ledger.change(_key(order_id), stock.forget)

    def order_of(self, order_id: str) -> dict[str, Any] | None:
        """The order for which something was reserved; None when nothing was."""
        known = self._ledger.record(_key(order_id)) or {}
        return known.get("order")

    def reservation(self, order_id: str) -> dict[str, Any]:
        """What is reserved for an order, and what it used. Raises NotFound."""
        known = self._ledger.record(_key(order_id))
        if known is None:
            raise NotFound(f"there is no reservation of order {order_id}")
        return _shown(order_id, known)


def _check_same(done: Receipt, ingredient: str, key: str) -> None:
    if done["ingredient"] != ingredient:
        raise Conflict(f"Idempotency-Key {key} was used for {done['ingredient']}")


def _key(order_id: str) -> str:
    return f"reservation_{order_id}"


def _shown(order_id: str, known: Reservation) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "status": known["status"],
        "ingredients": stock.held_by(known),
        "used": known["used"],
    }
