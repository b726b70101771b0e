"""The list of all orders, which the state store cannot give: pages of ids, and a head.

`orders_index` is {"page": n, "first": m}, the last page and the first one that is not dropped;
`orders_index_<n>` is {"ids": [...]}, oldest first. An id may be there twice, or without an order,
after a crash or once its order is forgotten; each order's document names its one true page.
"""

import threading
from collections.abc import Iterator

from pizza_common.errors import EtagMismatch
from pizza_common.sidecar import Sidecar
from pizza_common.writing import until_written

PAGE_SIZE = 100
_HEAD = "orders_index"

Place = tuple[int, int]
"""A page's number, and a position on it, both from 0."""
FIRST_PLACE: Place = (0, 0)


class OrderIndex:
    """Appends ids and walks through them from the newest."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._lock = threading.Lock()

    def add(self, order_id: str) -> int:
        """Put the id at the end of the list, and give its page. Raises Unavailable."""
        with self._lock:
            return until_written(lambda: self._append(order_id))

    def newest_first(self, before: Place | None) -> Iterator[tuple[Place, str]]:
        """Each entry's place and id, from the newest, or from `before` (left out) on.

        The last entry is at FIRST_PLACE, unless its page was dropped. Raises Unavailable.
        """
        first, last = self.pages()
        number, end = before if before and before[0] <= last else (last, PAGE_SIZE)
        while number >= first:
            ids = self._page(number)[0][:end]
            for position in reversed(range(len(ids))):
                yield (number, position), ids[position]
            number, end = number - 1, PAGE_SIZE

    def pages(self) -> tuple[int, int]:
        """The first page that is not dropped, and the last one. Raises Unavailable."""
        head, _ = self._sidecar.get_state(_HEAD)
        return (int(head.get("first", 0)), int(head["page"])) if head else (0, 0)

    def ids_of(self, number: int) -> list[str]:
        """What is on a page. Raises Unavailable."""
        return self._page(number)[0]

    def drop(self, number: int) -> None:
        """Drop a page that is not the last. Raises Unavailable."""
        with self._lock:
            until_written(lambda: self._drop(number))

    def _drop(self, number: int) -> None:
        _, page_etag = self._page(number)
        if page_etag:
            self._sidecar.delete_state(f"{_HEAD}_{number}", page_etag)
        head, etag = self._sidecar.get_state(_HEAD)
        if head is not None and head.get("first", 0) == number < head["page"]:
            self._sidecar.save_state(_HEAD, {**head, "first": number + 1}, etag)

    def _append(self, order_id: str) -> int:
        number = self.pages()[1]
        page, etag = self._page(number)
        if order_id in page:
            return number
        if len(page) >= PAGE_SIZE:
            self._turn_page(number)
            raise EtagMismatch("the page is full")
        self._sidecar.save_state(f"{_HEAD}_{number}", {"ids": [*page, order_id]}, etag)
        return number

    def _turn_page(self, number: int) -> None:
        head, etag = self._sidecar.get_state(_HEAD)
        if head is None or head["page"] == number:
            self._sidecar.save_state(_HEAD, {**(head or {}), "page": number + 1}, etag)

    def _page(self, number: int) -> tuple[list[str], str]:
        value, etag = self._sidecar.get_state(f"{_HEAD}_{number}")
        return list(value["ids"]) if value else [], etag
