"""A sidecar in memory: state with ETags, what was published, and failures when asked for."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from pizza_common.errors import EtagMismatch, PeerRefused
from pizza_common.event import OrderEvent
from pizza_common.principal import Principal
from pizza_common.sidecar import State


class FakeSidecar:
    """Behaves as `pizza_common.sidecar.Sidecar` does; test_sidecar_contract.py holds it to that."""

    def __init__(self) -> None:
        self.published: list[OrderEvent] = []
        self.identities: list[Principal | None] = []
        """For whom peers were asked, each time."""
        self.calls: Counter[str] = Counter()
        self.ready = True
        self.worker_counted = True
        self.closed = 0
        self.before: Callable[[str, str], None] = lambda method, key: None
        """Called with method and key before each call; may raise, or write what another would."""
        self.after: Callable[[str, str], None] = lambda method, key: None
        """The same after each write, which then has happened whatever is raised."""
        self.peers: dict[str, dict[str, Any]] = {}
        """What peers answer, by path; anything else is not found."""
        self.ttls: dict[str, int] = {}
        """The seconds after which a key expires; see `expire`."""
        self._state: dict[str, tuple[str, int]] = {}
        self._writes = 0
        self._lock = threading.Lock()

    def get_state(self, key: str) -> State:
        self._enter("get_state", key)
        with self._lock:
            text, number = self._state.get(key, ("null", 0))
        return json.loads(text), str(number or "")

    def get_states(self, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        self._enter("get_states", ",".join(keys))
        with self._lock:
            return {key: json.loads(self._state[key][0]) for key in keys if key in self._state}

    def save_state(
        self, key: str, value: dict[str, Any], etag: str = "", ttl: int | None = None
    ) -> None:
        self._enter("save_state", key)
        with self._lock:
            self._check(key, etag)
            self._writes += 1
            self._state[key] = (json.dumps(value), self._writes)
            if ttl is not None:  # without one, a key keeps the expiry that it has, as with Redis
                self.ttls[key] = ttl
        self.after("save_state", key)

    def delete_state(self, key: str, etag: str) -> None:
        self._enter("delete_state", key)
        with self._lock:
            self._check(key, etag)
            self._drop(key)
        self.after("delete_state", key)

    def expire(self) -> None:
        """Let the time of every key come that has one."""
        for key in [key for key, ttl in self.ttls.items() if ttl > 0]:
            self._drop(key)

    def stored(self) -> list[str]:
        """The keys that are there."""
        return sorted(self._state)

    def invoke(
        self,
        app_id: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        timeout: float,
        method: str = "POST",
        idempotency_key: str | None = None,
        identity: Principal | None = None,
    ) -> dict[str, Any]:
        self._enter("invoke", f"{app_id}/{path}")
        self.identities.append(identity)
        if path not in self.peers:
            raise PeerRefused(f"{app_id}: not found", 404)
        return self.peers[path]

    def publish(self, event: OrderEvent) -> None:
        self._enter("publish", event.event_id)
        with self._lock:
            self.published.append(event)

    def is_ready(self) -> bool:
        return self.ready

    def has_worker(self) -> bool:
        return self.worker_counted

    def close(self) -> None:
        self.closed += 1

    @property
    def statuses(self) -> list[str]:
        """The statuses published so far."""
        return [event.status.value for event in self.published]

    def fail(self, method: str, error: Exception, after: int = 0, times: int = 1) -> None:
        """Let `times` calls of a method fail, once it was called `after` more times."""
        first = self.calls[method] + after + 1

        def before(called: str, _key: str) -> None:
            if called == method and first <= self.calls[method] < first + times:
                raise error

        self.before = before

    def refuse_what_is_written(self) -> None:
        """The next write is kept, though its writer is told that it is not."""

        def after(_method: str, _key: str) -> None:
            self.after = lambda *_: None
            raise EtagMismatch

        self.after = after

    def _enter(self, method: str, key: str) -> None:
        with self._lock:
            self.calls[method] += 1
        self.before(method, key)

    def _drop(self, key: str) -> None:
        self._state.pop(key, None)
        self.ttls.pop(key, None)

    def _check(self, key: str, etag: str) -> None:
        _, number = self._state.get(key, ("", 0))
        if number and etag != str(number):
            raise EtagMismatch
