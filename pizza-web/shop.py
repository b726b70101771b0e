"""The services as the pages see them: asked through the sidecar, as the person that looks."""

import time
from http import HTTPStatus
from typing import Any

from flask import current_app

from changes import Changes, topic_of
from memo import Memo
from person import person
from pizza_common.errors import PeerRefused
from pizza_common.sidecar import Method, Sidecar
from pizza_common.timeline import name_of

ANSWER_SECONDS = 10.0

READ_SECONDS = 3.0
"""What is only read is waited for less: a page says sooner what is missing."""

KEPT_SECONDS = 0.5
"""An answer is shared so long, if nothing is told to have changed. Not all that changes is told."""

ORDER_SECONDS = 5.0
"""As long an order, which has all that was told of it."""

# The book hears of an event at the same time as the pages, and may be a little slower.
_PAUSES = (0.05, 0.1, 0.2, 0.4)

Json = dict[str, Any]


class Shop:
    """Asks the services; every method raises PeerRefused (4xx) and PeerUnavailable."""

    def __init__(self, sidecar: Sidecar, memo: Memo, changes: Changes) -> None:
        self._sidecar = sidecar
        self._memo = memo
        self._changes = changes

    def get(
        self, app_id: str, path: str, topic: str | None = None, *, timeout: float = READ_SECONDS
    ) -> Json:
        """What the service answers, which must not be changed.

        With a topic, the answer is shared for a moment among the pages that show the same, for
        people of the same roles; until the topic changes.
        """
        if topic is None:
            return self._ask("GET", app_id, path, timeout=timeout)
        key = self._key(app_id, path)
        return self._memo.get(topic, key, lambda: self._ask("GET", app_id, path), KEPT_SECONDS)

    def order(self, order_id: str) -> Json:
        """The order as the book has it, shared as by `get`; waits a little for a slower book.

        A page that shows more of an order asks for this first.
        """
        key = self._key("pizza-order", order_id)
        return self._memo.get(
            topic_of(order_id), key, lambda: self._current(order_id), ORDER_SECONDS
        )

    def post(self, app_id: str, path: str, body: Json) -> Json:
        """What the service answers."""
        return self._ask("POST", app_id, path, body)

    def put(
        self, app_id: str, path: str, body: Json, *, idempotency_key: str | None = None
    ) -> Json:
        """What the service answers."""
        return self._ask("PUT", app_id, path, body, idempotency_key=idempotency_key)

    def delete(self, app_id: str, path: str) -> Json:
        """What the service answers."""
        return self._ask("DELETE", app_id, path)

    def _current(self, order_id: str) -> Json:
        for pause in _PAUSES:
            heard = self._changes.heard(order_id)
            if heard is None:
                break
            found = self._find(order_id)
            if found and heard in map(name_of, found["timeline"]):
                return found
            time.sleep(pause)
        return self._ask("GET", "pizza-order", f"order/{order_id}")

    def _find(self, order_id: str) -> Json | None:
        try:
            return self._ask("GET", "pizza-order", f"order/{order_id}")
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
        timeout: float | None = None,
        idempotency_key: str | None = None,
    ) -> Json:
        return self._sidecar.invoke(
            app_id,
            path,
            body,
            timeout=timeout or (READ_SECONDS if method == "GET" else ANSWER_SECONDS),
            method=method,
            idempotency_key=idempotency_key,
            identity=person(),
        )


def shop() -> Shop:
    """The shop of the app whose request is answered."""
    found: Shop = current_app.extensions["shop"]
    return found
