"""What changed: each topic of the pages (`orders`, `order:<id>`) tells those that watch it."""

import contextlib
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator

from memo import Memo
from pizza_common.event import OrderEvent
from pizza_common.timeline import name_of

ORDERS = "orders"

_HEARD_ORDERS = 1000
_HEARD_SECONDS = 2.0
"""After these the book has an event, or will not have it, as of an order that was forgotten."""

Wake = Callable[[], None]
Name = tuple[str, int, int]


def topic_of(order_id: str) -> str:
    """What a region of one order watches."""
    return f"order:{order_id}"


class Changes:
    """Hears of every event; may be told and watched from any thread.

    What the memo knows of a topic is forgotten before those that watch it are woken.
    """

    def __init__(self, memo: Memo) -> None:
        self.memo = memo
        self._lock = threading.Lock()
        self._watchers: dict[str, set[Wake]] = defaultdict(set)
        self._heard: OrderedDict[str, tuple[Name, float]] = OrderedDict()

    def note(self, event: OrderEvent) -> None:
        """Take in an event of topic `orders`."""
        with self._lock:
            self._heard[event.order_id] = name_of(event.entry()), time.monotonic()
            self._heard.move_to_end(event.order_id)
            if len(self._heard) > _HEARD_ORDERS:
                self._heard.popitem(last=False)
        self.tell(topic_of(event.order_id), ORDERS)

    def heard(self, order_id: str) -> Name | None:
        """What the order's timeline has since the last event of it, if that came just now."""
        name, at = self._heard.get(order_id, (None, 0.0))
        return name if time.monotonic() - at < _HEARD_SECONDS else None

    def tell(self, *topics: str) -> None:
        """Wake those that watch one of these topics."""
        for topic in topics:
            self.memo.forget(topic)
        with self._lock:
            woken = {wake for topic in topics for wake in self._watchers.get(topic, ())}
        for wake in woken:
            wake()

    @contextlib.contextmanager
    def watched(self, topics: tuple[str, ...], wake: Wake) -> Iterator[None]:
        """While the block lasts, `wake` is called at each change; it must not wait."""
        with self._lock:
            for topic in topics:
                self._watchers[topic].add(wake)
        try:
            yield
        finally:
            with self._lock:
                for topic in topics:
                    self._watchers[topic].discard(wake)
                    if not self._watchers[topic]:
                        del self._watchers[topic]
