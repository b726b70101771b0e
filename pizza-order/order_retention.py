"""Which orders are over since so long ago that the shop forgets them.

The list of orders is walked from its oldest end, a few pages at each call; `orders_retention`,
`{"page": n}`, says where the next call goes on. A page of which all orders are gone is dropped.
"""

from contextlib import suppress
from typing import Any

from order_document import is_there, key_of, last_said
from order_index import OrderIndex
from pizza_common.errors import EtagMismatch
from pizza_common.retention import Retention
from pizza_common.sidecar import Sidecar

_KEY = "orders_retention"
_PAGES = 5
"""Pages that a call looks at, at most."""


class OrderRetention:
    """Finds orders; to forget them is the caller's. Raises Unavailable."""

    def __init__(self, sidecar: Sidecar, keep: Retention) -> None:
        self._sidecar = sidecar
        self._index = OrderIndex(sidecar)
        self._keep = keep

    def due(self) -> dict[str, Any]:
        """Orders of one page of which nothing was said for so long, and whether to ask again.

        Also some that are not over: whoever forgets them finds that a workflow works on them.
        """
        before = self._keep.ended_before()
        if before is None:
            return {"due": [], "more": False}
        first, last = self._index.pages()
        place, etag = self._sidecar.get_state(_KEY)
        begin = int(place["page"]) if place and first <= place["page"] <= last else first
        for number in range(begin, min(begin + _PAGES, last + 1)):
            due, young = self._look(number, last, before)
            if due or young:
                break
        at_end = young or number == last
        self._go_on_at(first if at_end else number + 1, etag)
        return {"due": due, "more": not at_end}

    def _look(self, number: int, last: int, before: str) -> tuple[list[str], bool]:
        """What is due of a page, and whether it is too young for any."""
        ids = self._index.ids_of(number)
        known = self._sidecar.get_states([key_of(order_id) for order_id in ids])
        found = ((order_id, known.get(key_of(order_id))) for order_id in ids)
        own = [(name, each) for name, each in found if is_there(each) and each["page"] == number]
        if not own and number < last:
            self._index.drop(number)
        due = [order_id for order_id, each in own if last_said(each) < before]
        return due, bool(own) and all(each["since"] >= before for _, each in own)

    def _go_on_at(self, number: int, etag: str) -> None:
        with suppress(EtagMismatch):  # another replica was asked at this moment
            self._sidecar.save_state(_KEY, {"page": number}, etag)
