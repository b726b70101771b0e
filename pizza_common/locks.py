"""One lock per key, there only while somebody holds or awaits it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class KeyLocks:
    """Lets one thread at a time work on a key; the others wait their turn."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """Hold the key's lock inside."""
        lock = self._join(key)
        try:
            with lock:
                yield
        finally:
            self._leave(key)

    def __len__(self) -> int:
        return len(self._locks)

    def _join(self, key: str) -> threading.Lock:
        with self._guard:
            lock, users = self._locks.get(key) or (threading.Lock(), 0)
            self._locks[key] = (lock, users + 1)
            return lock

    def _leave(self, key: str) -> None:
        with self._guard:
            lock, users = self._locks.pop(key)
            if users > 1:
                self._locks[key] = (lock, users - 1)
