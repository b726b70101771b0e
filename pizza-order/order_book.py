"""The order book's rules: what is known of each order. The only writer of `order_<id>`."""

from collections.abc import Callable
from typing import Any

import structlog

from decisions import TOLD, DecisionLog
from open_orders import OpenOrders
from order_document import (
    Document,
    anew,
    end_of_the_last,
    is_over,
    is_there,
    key_of,
    registered,
    summary,
)
from order_index import OrderIndex
from order_watch import OrderWatch
from pizza_common.errors import Conflict, NotFound, PeerRefused, PizzaError, Unavailable
from pizza_common.event import OrderEvent, moment
from pizza_common.locks import KeyLocks
from pizza_common.order import Order
from pizza_common.retention import Retention
from pizza_common.sidecar import FOR_EVER, Sidecar
from pizza_common.timeline import merge
from pizza_common.writing import until_written

log = structlog.get_logger()

DESK = "pizza-workflow"
KEEPS_ALL = Retention()

Change = Callable[[Document | None], Document | None]

_FORGET_SECONDS = 40.0
_REFUSALS: dict[int, type[PizzaError]] = {404: NotFound, 409: Conflict}


class OrderBook:
    """Registers orders, takes in what is said of them, and tells where they stand."""

    def __init__(
        self,
        sidecar: Sidecar,
        watch: OrderWatch,
        keep: Retention = KEEPS_ALL,
    ) -> None:
        self._sidecar = sidecar
        self._index = OrderIndex(sidecar)
        self._open = OpenOrders(sidecar)
        self._decisions = DecisionLog(sidecar)
        self._locks = KeyLocks()
        self._watch = watch
        self._keep = keep
        self._began = moment()

    def register(self, order: Order) -> None:
        """Enter an order; the same again changes nothing. Raises Conflict, Unavailable."""
        self._change(order.id, lambda known: registered(known, order))

    def note(self, event: OrderEvent) -> None:
        """Take in an event, known or new, late or early. Raises Unavailable."""
        stands = self._change(event.order_id, lambda known: self._noted(known, event))
        # Also if it was known: who wrote it may not have come to it.
        if event.status in TOLD and is_there(stands) and event.entry() in stands["timeline"]:
            self._decisions.note(event, stands["timeline"])

    def decisions(self, limit: int) -> list[dict[str, Any]]:
        """The last decisions of managers, the latest first. Raises Unavailable."""
        return self._decisions.latest(limit)

    def find(self, order_id: str) -> dict[str, Any]:
        """The order with its status and timeline. Raises NotFound, Unavailable."""
        known = self.document(order_id)
        return {**summary(known), "timeline": known["timeline"]}

    def document(self, order_id: str) -> Document:
        """All that is kept of the order. Raises NotFound, Unavailable."""
        known, _ = self._sidecar.get_state(key_of(order_id))
        if not is_there(known):
            raise NotFound(f"there is no order {order_id}")
        return known

    def delete(self, order_id: str) -> None:
        """Have the whole shop forget an order, which ends with `forget`.

        Raises NotFound, Conflict while a workflow works on it, Unavailable.
        """
        known, _ = self._sidecar.get_state(key_of(order_id))
        order = {"order": known["order"]} if is_there(known) else {}
        asked = {"order_id": order_id, **order}
        try:
            self._sidecar.invoke(DESK, "forget-order", asked, timeout=_FORGET_SECONDS)
        except PeerRefused as refused:
            raise _REFUSALS.get(refused.status, Unavailable)(refused.detail) from refused

    def forget(self, order_id: str) -> None:
        """Leave but a mark that tells late events from a new order's. Raises Unavailable."""
        self._decisions.forget(order_id)
        self._change(order_id, lambda _: {"deleted": True, "at": moment()})

    def _change(self, order_id: str, change: Change) -> Document | None:
        """Read, change and write a document; `change` gives None when there is nothing to do.

        Gives the document as it stands then.
        """
        with self._locks.held(order_id):
            return until_written(lambda: self._change_once(order_id, change))

    def _change_once(self, order_id: str, change: Change) -> Document | None:
        known, etag = self._sidecar.get_state(key_of(order_id))
        changed = change(known)
        if changed is None:
            if known is not None and is_over(known):
                self._open.strike(order_id)  # in case the last writer did not come to it
            return known
        if is_there(changed) and not is_there(known):
            # Listed first: a crash between leaves a dead entry, not an order nobody finds.
            changed |= {"page": self._index.add(order_id), "since": moment()}
        if not is_over(changed) and (known is None or is_over(known)):
            self._open.add(order_id)
        ttl = self._keep.mark_seconds if "deleted" in changed else None
        if known is not None and "deleted" in known:
            ttl = ttl or FOR_EVER
        self._sidecar.save_state(key_of(order_id), changed, etag, ttl)
        self._watch.saw(order_id, known, changed)
        if is_over(changed):
            self._open.strike(order_id)
        return changed

    def _noted(self, known: Document | None, event: OrderEvent) -> Document | None:
        if known is None and self._keep.is_beyond_marks(event.at):
            log.warning("event dropped, older than what is kept", event_id=event.event_id)
            return None
        # A mark without a time is from before there were any: it was made before this process.
        after = end_of_the_last(known, self._began)
        if event.at <= after:
            return None
        if not is_there(known):
            return anew(event.order, [event.entry()], after)
        timeline = merge(known["timeline"], event.entry())
        return None if timeline == known["timeline"] else {**known, "timeline": timeline}
