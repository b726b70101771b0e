"""The drivers: who is on the road with which order.

The state store keeps `drivers`, `{"busy": {<order id>: <driver>}}`: it is never longer than there
are drivers. A driver who is busy with an order that is over, because a process ended between the
two writes or the order was terminated, is freed when somebody finds no free one.
"""

import time
import zlib
from collections.abc import Callable, Sequence
from threading import Condition
from typing import Any

from pizza_common.sidecar import Sidecar
from pizza_common.writing import until_written

KEY = "drivers"

_NAMES = ("Ada", "Ben", "Chiara", "Dmitri", "Elif", "Femi", "Greta", "Hugo")
_LOOK_SECONDS = 1.0

Busy = dict[str, str]


class NoDriver(Exception):
    """Every driver is on the road, which is no failure: the order waits for its turn."""


def names(count: int) -> tuple[str, ...]:
    """Ada, Ben, ..., Hugo, Ada 2, ..."""
    rounds = ((number // len(_NAMES), _NAMES[number % len(_NAMES)]) for number in range(count))
    return tuple(f"{name} {turn + 1}" if turn else name for turn, name in rounds)


class Drivers:
    """Gives orders their drivers. Every method raises Unavailable and may be called again."""

    def __init__(
        self,
        sidecar: Sidecar,
        count: int,
        wait_seconds: float,
        over_among: Callable[[Sequence[str]], list[str]],
    ) -> None:
        self._sidecar = sidecar
        self._names = names(count)
        self._wait_seconds = wait_seconds
        self._over_among = over_among
        self._turn = Condition()

    def roster(self) -> list[dict[str, Any]]:
        """Every driver with the order they are busy with, None for a free one."""
        busy, _ = self._read()
        orders = {driver: order_id for order_id, driver in busy.items()}
        gone = [name for name in orders if name not in self._names]
        return [{"driver": name, "order_id": orders.get(name)} for name in (*self._names, *gone)]

    def assign(self, order_id: str) -> str:
        """The order's driver, who is its own until `free`; waits a while when there is none.

        Raises NoDriver.
        """
        deadline = time.monotonic() + self._wait_seconds
        with self._turn:
            while (driver := self._assign(order_id)) is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    return self._assign_at_last(order_id)
                # A driver may be freed by another process, which cannot wake us.
                self._turn.wait(min(left, _LOOK_SECONDS))
        return driver

    def free(self, order_id: str) -> None:
        """The order's driver may take another; safe when it has none."""
        with self._turn:
            self._change(lambda busy: _without(busy, [order_id]))
            self._turn.notify()

    def _assign(self, order_id: str) -> str | None:
        return self._change(lambda busy: self._with(busy, order_id)).get(order_id)

    def _assign_at_last(self, order_id: str) -> str:
        busy, _ = self._read()
        over = self._over_among(list(busy))
        self._change(lambda now: _without(now, over))
        driver = self._assign(order_id)
        if driver is None:
            raise NoDriver
        return driver

    def _with(self, busy: Busy, order_id: str) -> Busy:
        taken = set(busy.values())
        free = [name for name in self._names if name not in taken]
        if order_id in busy or not free:
            return busy
        return {**busy, order_id: free[zlib.crc32(order_id.encode()) % len(free)]}

    def _change(self, change: Callable[[Busy], Busy]) -> Busy:
        return until_written(lambda: self._change_once(change))

    def _change_once(self, change: Callable[[Busy], Busy]) -> Busy:
        busy, etag = self._read()
        changed = change(busy)
        if changed != busy:
            self._sidecar.save_state(KEY, {"busy": changed}, etag)
        return changed

    def _read(self) -> tuple[Busy, str]:
        value, etag = self._sidecar.get_state(KEY)
        return (value["busy"] if value else {}), etag


def _without(busy: Busy, order_ids: list[str]) -> Busy:
    return {order_id: driver for order_id, driver in busy.items() if order_id not in order_ids}
