"""What was first asked for under an order id, kept for ever in the state store.

The engine forgets a workflow that is purged, and would let a finished one's id be used again;
this record does not.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pizza_common.errors import Conflict, EtagMismatch
from pizza_common.order import Order
from pizza_common.sidecar import Sidecar


@dataclass(frozen=True)
class StartRecord:
    """The order as it was first sent, and whether its workflow was started."""

    order: dict[str, Any]
    started: bool = False


class StartRecords:
    """Reads and writes start records. Every method raises SidecarUnavailable."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    def claim(self, order: Order) -> StartRecord:
        """The id's record, new if it is the first. Raises Conflict when it is another order's."""
        try:
            self._sidecar.save_state(_key(order.id), {"order": order.sent(), "started": False})
        except EtagMismatch:
            return self._claimed_before(order)
        return StartRecord(order.sent())

    def is_known(self, order_id: str) -> bool:
        """Whether the id was claimed before."""
        value, _ = self._sidecar.get_state(_key(order_id))
        return value is not None

    def mark_started(self, order_id: str) -> None:
        """Note that the workflow was started, unless another notes it at this moment."""
        value, etag = self._sidecar.get_state(_key(order_id))
        with suppress(EtagMismatch):
            self._sidecar.save_state(_key(order_id), {**(value or {}), "started": True}, etag)

    def _claimed_before(self, order: Order) -> StartRecord:
        value, _ = self._sidecar.get_state(_key(order.id))
        if value is None:
            raise EtagMismatch("the order was changed at the same time")
        if not order.same_content(Order.model_validate(value["order"])):
            raise Conflict(f"Order {order.id} was already started with other content.")
        return StartRecord(**value)


def _key(order_id: str) -> str:
    return f"request_{order_id}"
