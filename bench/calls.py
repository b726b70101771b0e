"""How long a call to another app takes, and a message to its subscriber: one at a time.

A call goes to the callee directly, or through the caller's sidecar; it is kept open between
calls, as pooled clients do.
"""

import http.client
import json
import time
from collections.abc import Iterator

from bench.callee import PUBSUB, TOPIC
from bench.engines import Engine
from bench.processes import BenchError

PAUSE = 0.005  # seconds between two messages: each is delivered before the next is sent
DELIVERY_SECONDS = 10.0


def time_calls(engine: Engine, count: int) -> list[float]:
    """Milliseconds of each call of the callee through the engine's sidecar."""
    return _time(engine.ports.http, "/v1.0/invoke/callee/method/ping", count)


def time_direct_calls(engine: Engine, count: int) -> list[float]:
    """The same without a sidecar."""
    return _time(engine.ports.app, "/ping", count)


def time_deliveries(engine: Engine, count: int) -> list[float]:
    """Milliseconds from publishing each message until the subscriber has it."""
    took: list[float] = []
    sidecar, callee = _connect(engine.ports.http), _connect(engine.ports.app)
    _request(callee, "GET", "/took")
    for _ in range(count):
        body = json.dumps({"sent": time.monotonic_ns()})
        _request(sidecar, "POST", f"/v1.0/publish/{PUBSUB}/{TOPIC}", body)
        time.sleep(PAUSE)
    for _ in _until(DELIVERY_SECONDS):
        took += json.loads(_request(callee, "GET", "/took"))
        if len(took) >= count:
            return took
    raise BenchError(f"{engine.name} delivered {len(took)} of {count} messages")


def _time(port: int, path: str, count: int) -> list[float]:
    connection = _connect(port)
    took = []
    for _ in range(count):
        begin = time.monotonic()
        _request(connection, "GET", path)
        took.append((time.monotonic() - begin) * 1000)
    return took


def _connect(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=10)


def _request(
    connection: http.client.HTTPConnection, method: str, path: str, body: str | None = None
) -> bytes:
    connection.request(method, path, body, {"content-type": "application/json"} if body else {})
    response = connection.getresponse()
    content = response.read()
    if response.status >= 300:
        raise BenchError(f"{method} {path} answered {response.status}: {content[:200]!r}")
    return content


def _until(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.05)
