"""Which orders are not finished yet, so that the stuck ones are found without reading all.

`orders_open_<n>` is `{"ids": [...]}`, the oldest first; an order's number follows from its id. An
id is put down before its order is, and struck out after the order is finished: after a crash one
may be there too many, never one too few.
"""

import zlib
from collections.abc import Callable

from pizza_common.locks import KeyLocks
from pizza_common.sidecar import Sidecar
from pizza_common.writing import until_written

LISTS = 16


class OpenOrders:
    """Every method raises Unavailable and may be called again."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._locks = KeyLocks()

    def ids(self) -> list[str]:
        """The orders that may be unfinished, in no order."""
        return [order_id for ids in self.lists() for order_id in ids]

    def lists(self) -> list[list[str]]:
        """The same in several lists, each of which has its oldest order first."""
        found = self._sidecar.get_states([_key(number) for number in range(LISTS)])
        return [each["ids"] for each in found.values()]

    def add(self, order_id: str) -> None:
        """Put an order down, as the newest: what is left of an earlier one of the id goes."""
        self._change(order_id, lambda ids: [*_without(ids, order_id), order_id])

    def strike(self, order_id: str) -> None:
        """Strike an order out."""
        self._change(order_id, lambda ids: _without(ids, order_id))

    def _change(self, order_id: str, change: Callable[[list[str]], list[str]]) -> None:
        key = _key(zlib.crc32(order_id.encode()) % LISTS)
        with self._locks.held(key):
            until_written(lambda: self._change_once(key, change))

    def _change_once(self, key: str, change: Callable[[list[str]], list[str]]) -> None:
        found, etag = self._sidecar.get_state(key)
        ids = list(found["ids"]) if found else []
        changed = change(ids)
        if changed != ids:
            self._sidecar.save_state(key, {"ids": changed}, etag)


def _without(ids: list[str], order_id: str) -> list[str]:
    return [each for each in ids if each != order_id]


def _key(number: int) -> str:
    return f"orders_open_{number}"
