"""Answers of services that several pages ask for at the same moment: read once for all."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from pizza_common.errors import Unavailable

FOLLOW_SECONDS = 3.5
"""So long one waits for what another reads: a little longer than one waits for a peer."""

_TOPICS = 1000
_KEYS = 100

Json = dict[str, Any]


class _Entry:
    def __init__(self) -> None:
        self.answer: Future[Json] = Future()
        self.until = float("inf")  # while it is read


class Memo:
    """Keeps answers by topic, until the topic changes or their time is over. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._topics: OrderedDict[str, dict[Hashable, _Entry]] = OrderedDict()

    def get(self, topic: str, key: Hashable, read: Callable[[], Json], seconds: float) -> Json:
        """What `read` gives, or gave for this key within so many seconds and since the last change.

        Nobody may change it. Raises what `read` raises, to all who wait for it; that is not kept.
        Raises Unavailable to who waits too long.
        """
        entry, is_mine = self._entry(topic, key)
        if is_mine:
            self._fill(entry, read, seconds)
        try:
            return entry.answer.result(FOLLOW_SECONDS)
        except TimeoutError:
            raise Unavailable("What is asked for is being read, which takes long.") from None

    def forget(self, topic: str) -> None:
        """The topic changed: what is being read of it may be older already."""
        with self._lock:
            self._topics.pop(topic, None)

    def _fill(self, entry: _Entry, read: Callable[[], Json], seconds: float) -> None:
        try:
            answer = read()
        except BaseException as error:
            entry.until = 0.0
            entry.answer.set_exception(error)
            raise
        entry.until = time.monotonic() + seconds
        entry.answer.set_result(answer)

    def _entry(self, topic: str, key: Hashable) -> tuple[_Entry, bool]:
        with self._lock:
            known = self._topics.setdefault(topic, {})
            if key in known and time.monotonic() < known[key].until:
                return known[key], False
            if len(known) >= _KEYS:
                known.clear()
            entry = known[key] = _Entry()
            self._topics.move_to_end(topic)
            if len(self._topics) > _TOPICS:
                self._topics.popitem(last=False)
            return entry, True
