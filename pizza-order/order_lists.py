"""The lists of orders: all of them, the unfinished ones, and those that do not get on.

What is unfinished is found by the list of open orders, so that none of these reads all orders.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

from cursor import format_cursor, parse_cursor
from open_orders import OpenOrders
from order_document import (
    Document,
    announced_and_last_said,
    is_at,
    is_over,
    is_there,
    key_of,
    last_said,
    listed,
)
from order_index import FIRST_PLACE, PAGE_SIZE, OrderIndex, Place
from order_search import OrderSearch
from pizza_common.event import moment
from pizza_common.order import Order
from pizza_common.sidecar import Sidecar
from pizza_common.status import allowed_seconds
from pizza_common.timeline import status_of

_WALK = 10 * PAGE_SIZE  # entries that one list of all orders looks at, at most

_STRIDE = 6
"""So many orders of each list of open ones are read at once, which are a hundred of them all."""

Listing = dict[str, Any]


class OrderLists:
    """Reads what the order book wrote. Every method raises Unavailable."""

    def __init__(self, sidecar: Sidecar, time_scale: float = 1.0) -> None:
        self._sidecar = sidecar
        self._time_scale = time_scale
        self._index = OrderIndex(sidecar)
        self._open = OpenOrders(sidecar)

    def all(self, search: OrderSearch, limit: int, cursor: str | None) -> Listing:
        """Orders from the newest, and a cursor to go on from, None at the end.

        Where few orders are asked for, there may be less than `limit`, even none, and still a
        cursor. Raises BadInput for a cursor that is none.
        """
        found: list[Document] = []
        place: Place | None = None
        walk = islice(self._index.newest_first(_place_of(cursor)), _WALK)
        for place, known in self._documents(walk, PAGE_SIZE if search.is_narrow else limit):
            if known and is_at(known, place) and search.finds(known):
                found.append(listed(known))
            if len(found) == limit:
                break
        return _page(found, None if place == FIRST_PLACE else place)

    def unfinished(self, search: OrderSearch, limit: int, cursor: str | None) -> Listing:
        """Unfinished orders from the newest, and a cursor to go on from, None at the end.

        Raises BadInput for a cursor that is none.
        """
        found = list(islice(self._open_places(search, _place_of(cursor)), limit + 1))
        last = found[limit - 1][0] if len(found) > limit else None
        return _page([listed(known) for _, known in found[:limit]], last)

    def oldest(self, search: OrderSearch, limit: int, timeline: bool) -> Listing:
        """Unfinished orders from the oldest, with their timelines if wanted; never a cursor.

        It reads not many more than `limit`, however many there are, where most are searched for.
        """
        found = self._oldest(search, limit)
        more = [{"timeline": known["timeline"]} if timeline else {} for known in found]
        return _page([listed(known) | each for known, each in zip(found, more, strict=True)], None)

    def unmoved(
        self,
        search: OrderSearch,
        limit: int,
        older_than_seconds: float | None,
        now: datetime | None = None,
    ) -> Listing:
        """Unfinished orders of which nothing but notices was said for so long, from the longest.

        Without `older_than_seconds`, those that are in their status longer than it allows: the
        stuck ones, first those that no notice has called so yet. No cursor: those that follow
        come up when these have moved on, or were announced.
        """
        now = now or datetime.now(UTC)

        def is_late(known: Document) -> bool:
            seconds = self._patience(known, older_than_seconds)
            return seconds is not None and last_said(known) < moment(
                now - timedelta(seconds=seconds)
            )

        turn = last_said if older_than_seconds is not None else announced_and_last_said
        found = sorted(filter(is_late, self.open_documents(search)), key=turn)
        return _page([listed(known) for known in found[:limit]], None)

    def newest(self) -> tuple[list[Document], bool]:
        """The documents of the newest orders, and whether they are all there are."""
        walk = list(islice(self._index.newest_first(None), _WALK))
        found = self._documents(iter(walk), PAGE_SIZE)
        return [known for place, known in found if known and is_at(known, place)], len(walk) < _WALK

    def open_documents(self, search: OrderSearch) -> Iterator[Document]:
        """The documents of unfinished orders, in no order."""
        ids = iter(self._open.ids())
        while batch := list(islice(ids, PAGE_SIZE)):
            known = self._sidecar.get_states([key_of(each) for each in batch])
            yield from _unfinished(search, known.values())

    def _oldest(self, search: OrderSearch, limit: int) -> list[Document]:
        """Reads the beginnings of the lists of open orders, as far as it has to."""
        lists = self._open.lists()
        found: list[Document] = []
        for first in count(step=_STRIDE):
            lists = [ids for ids in lists if len(ids) > first]
            pieces = [[key_of(each) for each in ids[first : first + _STRIDE]] for ids in lists]
            known = self._sidecar.get_states([key for piece in pieces for key in piece])
            found += _unfinished(search, known.values())
            found.sort(key=_since)
            # What follows in a list is newer than what was read of it.
            read_to = [
                max((_since(known[key]) for key in piece if is_there(known.get(key))), default="")
                for ids, piece in zip(lists, pieces, strict=True)
                if len(ids) > first + _STRIDE
            ]
            if not read_to or (len(found) >= limit and _since(found[limit - 1]) <= min(read_to)):
                break
        return found[:limit]

    def _open_places(
        self, search: OrderSearch, before: Place | None
    ) -> Iterator[tuple[Place, Document]]:
        """Only pages that have such an order on them are read."""
        known = {found["order"]["order_id"]: found for found in self.open_documents(search)}
        for number in sorted({found["page"] for found in known.values()}, reverse=True):
            if before is not None and number > before[0]:
                continue
            for position, order_id in reversed([*enumerate(self._index.ids_of(number))]):
                place, found = (number, position), known.get(order_id)
                if found and is_at(found, place) and (before is None or place < before):
                    yield place, found

    def _patience(self, known: Document, given: float | None) -> float | None:
        if given is not None:
            return given
        pizzas = sum(item.quantity for item in Order.model_validate(known["order"]).all_items())
        return allowed_seconds(status_of(known["timeline"]), self._time_scale, pizzas)

    def _documents(
        self, walk: Iterator[tuple[Place, str]], batch: int
    ) -> Iterator[tuple[Place, Document | None]]:
        """The document of each place, None where there is none; read in batches."""
        while entries := list(islice(walk, batch)):
            known = self._sidecar.get_states([key_of(order_id) for _, order_id in entries])
            yield from ((place, known.get(key_of(order_id))) for place, order_id in entries)


def _unfinished(search: OrderSearch, documents: Iterable[Document]) -> Iterator[Document]:
    return (known for known in documents if not is_over(known) and search.finds(known))


def _since(known: Document) -> str:
    return str(known["since"])


def _place_of(cursor: str | None) -> Place | None:
    return parse_cursor(cursor) if cursor else None


def _page(orders: list[Listing], last: Place | None) -> Listing:
    return {"orders": orders, "cursor": format_cursor(last) if last else None}
