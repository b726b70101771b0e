"""What is said of orders, read from the topic's stream in Redis: waiting costs the shop nothing."""

import json
import threading
from collections import defaultdict

from bench.redis_info import Redis

STREAM = "orders"
_BLOCK_MILLISECONDS = "200"


class OrderEvents:
    """Notes in the background which status each order reached."""

    def __init__(self, port: int) -> None:
        self._redis = Redis(port)
        self._changed = threading.Condition()
        self._reached: defaultdict[str, set[str]] = defaultdict(set)
        self._stop = threading.Event()
        self._last = self._newest()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait_for(self, order_id: str, status: str, seconds: float) -> None:
        """Until the order reached the status. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: status in self._reached[order_id], seconds):
                raise TimeoutError(f"{order_id} reached only {self._reached[order_id]}")

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._redis.close()

    def _newest(self) -> str:
        """From where on to read."""
        newest = self._redis.ask("XREVRANGE", STREAM, "+", "-", "COUNT", "1")
        return str(newest[0][0]) if newest else "0"

    def _run(self) -> None:
        while not self._stop.is_set():
            found = self._redis.ask(
                "XREAD", "BLOCK", _BLOCK_MILLISECONDS, "STREAMS", STREAM, self._last
            )
            for entry, fields in found[0][1] if found else ():
                self._last = entry
                self._note(json.loads(fields[fields.index("data") + 1])["data"])

    def _note(self, event: dict[str, str]) -> None:
        with self._changed:
            self._reached[event["order_id"]].add(event["status"])
            self._changed.notify_all()
