"""The services as the pages see them: asked through the sidecar, as the person that looks."""

import contextlib
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import current_app, g

from changes import Changes, topic_of
from memo import Memo
from person import person
from pizza_common.errors import PeerRefused, PeerUnavailable
from pizza_common.sidecar import Method, Sidecar
from pizza_common.timeline import name_of

ANSWER_SECONDS = 10.0

READ_SECONDS = 3.0
"""What is only read is waited for less: a page says sooner what is missing."""

TURN_SECONDS = 1.0
"""So long a request waits for its turn: many pages that are opened at once all get theirs."""

RESERVE = 16
"""Of 128 threads so many never wait for a service: for health, events, and what needs none."""

KEPT_SECONDS = 0.5
"""An answer is shared so long, if nothing is told to have changed. Not all that changes is told."""

ORDER_SECONDS = 5.0
"""As long an order, which has all that was told of it."""

# The book hears of an event at the same time as the pages, and may be a little slower.
_PAUSES = (0.05, 0.1, 0.2, 0.4)

Json = dict[str, Any]


class Shop:
    """Asks the services; every method raises PeerRefused (4xx) and PeerUnavailable.

    Of so many `threads` some never wait for a service.
    """

    def __init__(self, sidecar: Sidecar, memo: Memo, changes: Changes, threads: int = 128) -> None:
        self._sidecar = sidecar
        self._turns = threading.BoundedSemaphore(threads - min(RESERVE, threads // 8))
        self._memo = memo
        self._changes = changes

    def get(
        self, app_id: str, path: str, topic: str | None = None, *, timeout: float = READ_SECONDS
    ) -> Json:
        """What the service answers, which must not be changed.

        With a topic, the answer is shared for a moment among the pages that show the same, for
        people of the same roles; until the topic changes.
        """

        def read() -> Json:
            return self._ask("GET", app_id, path, timeout=timeout)

        with self._turn():
            if topic is None:
                return read()
            return self._memo.get(topic, self._key(app_id, path), read, KEPT_SECONDS)

    def order(self, order_id: str) -> Json:
        """The order as the book has it, shared as by `get`; waits a little for a slower book.

        A page that shows more of an order asks for this first.
        """
        key = self._key("pizza-order", order_id)
        with self._turn():
            return self._memo.get(
                topic_of(order_id), key, lambda: self._current(order_id), ORDER_SECONDS
            )

    def post(self, app_id: str, path: str, body: Json) -> Json:
        """What the service answers."""
        with self._turn():
            return self._ask("POST", app_id, path, body)

    def put(
        self, app_id: str, path: str, body: Json, *, idempotency_key: str | None = None
    ) -> Json:
        """What the service answers."""
        with self._turn():
            return self._ask("PUT", app_id, path, body, idempotency_key=idempotency_key)

    def delete(self, app_id: str, path: str) -> Json:
        """What the service answers."""
        with self._turn():
            return self._ask("DELETE", app_id, path)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """In this block a thread may wait for a service. Raises PeerUnavailable if too many do."""
        if g.get("has_own_thread"):  # as a stream with a place has
            yield
            return
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise PeerUnavailable("Too many pages wait for the shop's services.")
        try:
            yield
        finally:
            self._turns.release()

    def _current(self, order_id: str) -> Json:
        for pause in _PAUSES:
            heard = self._changes.heard(order_id)
            if heard is None:
                break
            found = self._find(order_id)
            if found and heard in map(name_of, found["timeline"]):
                return found
            time.sleep(pause)
        return self._read_order(order_id)

    def _read_order(self, order_id: str) -> Json:
        return self._ask("GET", "pizza-order", f"order/{order_id}", timeout=READ_SECONDS)

    def _find(self, order_id: str) -> Json | None:
        try:
            return self._read_order(order_id)
        except PeerRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    def _key(self, app_id: str, path: str) -> tuple[object, ...]:
        who = person()
        return who.roles, who.order_id, app_id, path

    def _ask(
        self,
        method: Method,
        app_id: str,
        path: str,
        body: Json | None = None,
        *,
        timeout: float = ANSWER_SECONDS,
        idempotency_key: str | None = None,
    ) -> Json:
        return self._sidecar.invoke(
            app_id,
            path,
            body,
            timeout=timeout,
            method=method,
            idempotency_key=idempotency_key,
            identity=person(),
        )


def shop() -> Shop:
    """The shop of the app whose request is answered."""
    found: Shop = current_app.extensions["shop"]
    return found
