"""The order book's rules: what is known of each order. The only writer of `order_<id>`.

A document is `{"order", "timeline", "page"}`, or `{"deleted": true}` once it was deleted, so
that late events do not bring it back.
"""

import base64
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import structlog

from order_index import FIRST_PLACE, PAGE_SIZE, OrderIndex, Place
from pizza_common.errors import BadInput, Conflict, NotFound
from pizza_common.event import OrderEvent
from pizza_common.locks import KeyLocks
from pizza_common.order import Order
from pizza_common.sidecar import Sidecar
from pizza_common.stages import until_written
from pizza_common.status import Status
from pizza_common.timeline import merge, status_of

Document = dict[str, Any]

_WALK = 10 * PAGE_SIZE  # entries that one listing looks at, at most

log = structlog.get_logger()


class OrderBook:
    """Registers orders, takes in what is said of them, and tells where they stand."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._index = OrderIndex(sidecar)
        self._locks = KeyLocks()

    def register(self, order: Order) -> None:
        """Enter an order; the same again changes nothing. Raises Conflict, Unavailable."""
        self._change(order.id, lambda known: _registered(known, order))

    def note(self, event: OrderEvent) -> None:
        """Take in an event, known or new, late or early. Raises Unavailable."""
        self._change(event.order_id, lambda known: _noted(known, event))
        log.info("noted", order_id=event.order_id, status=event.status.value)

    def find(self, order_id: str) -> dict[str, Any]:
        """The order with its status and timeline. Raises NotFound, Unavailable."""
        known, _ = self._sidecar.get_state(_key(order_id))
        if known is None or "deleted" in known:
            raise NotFound(f"there is no order {order_id}")
        return {**_summary(known), "timeline": known["timeline"]}

    def delete(self, order_id: str) -> None:
        """Forget an order for good. Raises NotFound, Unavailable."""
        self._change(order_id, lambda known: _deleted(known, order_id))

    def listing(self, status: Status | None, limit: int, cursor: str | None) -> dict[str, Any]:
        """Orders from the newest, and a cursor to go on from, None at the end.

        Where few orders have the status, there may be less than `limit`, even none, and still a
        cursor. Raises BadInput for a cursor that is none, Unavailable.
        """
        found: list[Document] = []
        place: Place | None = None
        walk = islice(self._index.newest_first(_parse(cursor) if cursor else None), _WALK)
        for place, known in self._documents(walk, limit if status is None else PAGE_SIZE):
            if known and _is_listed(known, place, status):
                found.append(_summary(known))
            if len(found) == limit:
                break
        at_end = place in (None, FIRST_PLACE)
        return {"orders": found, "cursor": None if at_end or not place else _format(place)}

    def _documents(
        self, walk: Iterator[tuple[Place, str]], batch: int
    ) -> Iterator[tuple[Place, Document | None]]:
        """The document of each place, None where there is none; read in batches."""
        while entries := list(islice(walk, batch)):
            known = self._sidecar.get_states([_key(order_id) for _, order_id in entries])
            yield from ((place, known.get(_key(order_id))) for place, order_id in entries)

    def _change(self, order_id: str, change: Callable[[Document | None], Document | None]) -> None:
        """Read, change and write a document; `change` gives None when there is nothing to do."""
        with self._locks.held(order_id):
            until_written(lambda: self._change_once(order_id, change))

    def _change_once(
        self, order_id: str, change: Callable[[Document | None], Document | None]
    ) -> None:
        known, etag = self._sidecar.get_state(_key(order_id))
        changed = change(known)
        if changed is None:
            return
        if known is None:
            # Listed first: a crash between leaves a dead entry, not an order nobody finds.
            changed["page"] = self._index.add(order_id)
        self._sidecar.save_state(_key(order_id), changed, etag)


def _registered(known: Document | None, order: Order) -> Document | None:
    if known is None:
        return {"order": order.sent(), "timeline": []}
    if "deleted" in known:
        raise Conflict(f"order {order.id} was deleted; take another id")
    if not order.same_content(Order.model_validate(known["order"])):
        raise Conflict(f"order {order.id} is already there with other content")
    return None


def _noted(known: Document | None, event: OrderEvent) -> Document | None:
    if known is None:
        return {"order": event.order.sent(), "timeline": [event.entry()]}
    if "deleted" in known:
        return None
    timeline = merge(known["timeline"], event.entry())
    return None if timeline == known["timeline"] else {**known, "timeline": timeline}


def _deleted(known: Document | None, order_id: str) -> Document:
    if known is None or "deleted" in known:
        raise NotFound(f"there is no order {order_id}")
    return {"deleted": True, "page": known["page"]}


def _summary(known: Document) -> dict[str, Any]:
    return {**known["order"], "status": status_of(known["timeline"]).value}


def _is_listed(known: Document, place: Place, status: Status | None) -> bool:
    """Whether this entry is the order's own, and the order one that is asked for."""
    if "deleted" in known or known["page"] != place[0]:
        return False
    return status is None or status_of(known["timeline"]) == status


def _key(order_id: str) -> str:
    return f"order_{order_id}"


def _format(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place[0]}.{place[1]}".encode()).decode()


def _parse(cursor: str) -> Place:
    try:
        text = base64.urlsafe_b64decode(cursor.encode()).decode()
    except ValueError as error:
        raise _bad_cursor() from error
    if not re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,3}", text):
        raise _bad_cursor()
    page, position = text.split(".")
    return int(page), int(position)


def _bad_cursor() -> BadInput:
    return BadInput("Cannot use: cursor", [("cursor", "is no cursor of a listing")])
