"""Giving events to an app over HTTP, and reading from its answer what became of them.

Decides nothing about retries: it answers one `Answer` for each event.
"""

import logging
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any
from uuid import uuid4

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout

from localdapr.app_calls import sendable, token_header
from localdapr.cloudevent import CONTENT_TYPE, from_json, from_json_text, to_json, wrap_raw
from localdapr.deliveries import Delivery
from localdapr.manifest import App
from localdapr.names import CONTROL
from localdapr.routing import RuleError
from localdapr.subscriptions import Subscription

SUBSCRIBE_SECONDS = 10.0
DELIVERY_SECONDS = 60.0  # how long a handler may take unless a policy says otherwise
log = logging.getLogger(__name__)


class Answer(Enum):
    """What became of one event."""

    DONE = "done"
    FAILED = "failed"  # the app asks for a retry, or answered with an error
    BROKEN = "broken"  # the app went away while it worked on the event
    UNREACHABLE = "unreachable"  # the app never saw the event
    DROPPED = "dropped"  # the app wants it gone
    UNWANTED = "unwanted"  # no rule wants it
    UNREADABLE = "unreadable"  # a rule cannot be evaluated on it; trying again will not help


STATUSES = {"": Answer.DONE, "SUCCESS": Answer.DONE, "DROP": Answer.DROPPED}


class Handover:
    """The deliveries to one app."""

    def __init__(self, session: ClientSession, app: App) -> None:
        self._session = session
        self._app = app

    async def ask_subscriptions(self) -> list[Any] | None:
        """The app's answer to /dapr/subscribe; None when it gave none worth keeping."""
        timeout = ClientTimeout(total=SUBSCRIBE_SECONDS)
        try:
            async with self._session.get(
                self._url("/dapr/subscribe"), timeout=timeout, headers=token_header(self._app)
            ) as response:
                if response.status == 404:
                    return []
                answer = from_json(await response.read()) if response.status == 200 else None
        except (ClientError, TimeoutError, ValueError) as cause:
            answer = cause
        if isinstance(answer, list):
            return answer
        log.warning("%s: /dapr/subscribe gave no list: %s", self._app.app_id, answer)
        return None

    async def give(
        self, wish: Subscription, deliveries: Sequence[Delivery], timeout: float | None
    ) -> list[Answer]:
        """Deliver one event, or several to a bulk subscription; one answer for each."""
        if wish.bulk:
            return await self._give_bulk(wish, deliveries, timeout)
        return [await self._give_one(wish, delivery, timeout) for delivery in deliveries]

    async def _give_one(
        self, wish: Subscription, delivery: Delivery, timeout: float | None
    ) -> Answer:
        body = _shaped(wish, delivery)
        try:
            event = from_json(body)
            if not isinstance(event, dict):
                raise ValueError("the event is not a JSON object")
            path = wish.route(event)
        except (ValueError, RuleError) as cause:
            log.warning("topic %s: event %s: %s", wish.topic, delivery.message.event_id, cause)
            return Answer.UNREADABLE
        if path is None:
            return Answer.UNWANTED
        headers = {"pubsubname": wish.pubsub, "Content-Type": CONTENT_TYPE, **_trace(event)}
        answer, content = await self._post(path, body, headers, timeout)
        return _verdict(content) if answer is Answer.DONE else answer

    async def _give_bulk(
        self, wish: Subscription, deliveries: Sequence[Delivery], timeout: float | None
    ) -> list[Answer]:
        envelope = {
            "id": str(uuid4()),
            "entries": [_entry(wish, delivery) for delivery in deliveries],
            "metadata": {"pubsubName": wish.pubsub},
            "topic": wish.topic,
            "pubsubname": wish.pubsub,
            "type": "com.dapr.event.sent.bulk",
        }
        headers = {"pubsubname": wish.pubsub, "Content-Type": "application/json"}
        path = wish.rules[-1].path
        answer, content = await self._post(path, to_json(envelope), headers, timeout)
        verdicts = _bulk_verdicts(content) if answer is Answer.DONE else {}
        missing = Answer.FAILED if answer is Answer.DONE else answer
        return [verdicts.get(delivery.message.event_id, missing) for delivery in deliveries]

    async def _post(
        self, path: str, body: bytes, headers: Mapping[str, str], timeout: float | None
    ) -> tuple[Answer, bytes]:
        try:
            async with self._session.post(
                self._url(path),
                data=sendable(body),
                headers={**headers, **token_header(self._app)},
                allow_redirects=False,
                timeout=ClientTimeout(total=timeout or DELIVERY_SECONDS),
            ) as response:
                return _by_status(response.status), await response.read()
        except ClientConnectorError:
            return Answer.UNREACHABLE, b""
        except TimeoutError:
            return Answer.FAILED, b""
        except ClientError:
            return Answer.BROKEN, b""

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._app.app_port}{path}"


def _shaped(wish: Subscription, delivery: Delivery) -> bytes:
    message = delivery.message
    if wish.raw:
        return wrap_raw(message.body, message.event_id, wish.pubsub, wish.topic)
    return message.body


def _entry(wish: Subscription, delivery: Delivery) -> dict[str, Any]:
    body = _shaped(wish, delivery)
    try:
        event: Any = from_json_text(body)
    except ValueError:
        event = body.decode("utf-8", "replace")
    return {
        "entryId": delivery.message.event_id,
        "event": event,
        "metadata": {},
        "contentType": CONTENT_TYPE,
    }


def _trace(event: Mapping[str, Any]) -> dict[str, str]:
    """Nobody has looked at these fields of a raw event."""
    found = {name: event.get(name) for name in ("traceparent", "tracestate")}
    return {
        name: value
        for name, value in found.items()
        if value and isinstance(value, str) and not CONTROL.search(value)
    }


def _by_status(status: int) -> Answer:
    if 200 <= status < 300:
        return Answer.DONE
    return Answer.DROPPED if status == 404 else Answer.FAILED


def _verdict(content: bytes) -> Answer:
    """A 2xx answer: a JSON object's `status` decides, anything else is a success."""
    return STATUSES.get(str(_object(content).get("status") or ""), Answer.FAILED)


def _bulk_verdicts(content: bytes) -> dict[str, Answer]:
    """Entry id to answer; an entry without a status counts as failed, as with Dapr."""
    return {
        str(entry.get("entryId")): STATUSES.get(str(entry.get("status")), Answer.FAILED)
        for entry in _object(content).get("statuses") or []
        if isinstance(entry, dict)
    }


def _object(content: bytes) -> dict[str, Any]:
    """The JSON object, an empty one for anything else."""
    try:
        answer = from_json(content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
