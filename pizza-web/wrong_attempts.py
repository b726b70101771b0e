"""How often somebody may be wrong: guessing a token is slowed down, per address and process."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

WRONG_ATTEMPTS = 5
WITHIN_SECONDS = 60.0
_ADDRESSES = 1000


class WrongAttempts:
    """Counts the wrong attempts of an address; those of the least recent one are forgotten."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_seconds(self, address: str) -> float:
        """How long it has to wait before it may try again; 0: it may now."""
        with self._lock:
            times = self._wrong.get(address)
            if times is None or len(times) < WRONG_ATTEMPTS:
                return 0.0
            return max(0.0, times[0] + WITHIN_SECONDS - self._now())

    def add(self, address: str) -> None:
        """It was wrong once more."""
        with self._lock:
            times = self._wrong.setdefault(address, deque(maxlen=WRONG_ATTEMPTS))
            times.append(self._now())
            self._wrong.move_to_end(address)
            if len(self._wrong) > _ADDRESSES:
                self._wrong.popitem(last=False)
