"""Durable pub/sub: a publish is on disk for every subscriber before it is acknowledged.

Knows who subscribes to what, writes one row per subscriber, and says what becomes of an event
that an app did not take: tried again by the policy of the component, then the dead letter topic,
and never thrown away unless the app or Dapr's rules say so.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiohttp import ClientError, ClientSession, ClientTimeout
from pydantic import ValidationError

from localdapr.app_calls import token_header
from localdapr.cloudevent import Publication, encode, from_json
from localdapr.courier import Courier
from localdapr.deliveries import (
    Delivery,
    Due,
    Message,
    add_deliveries,
    load_deliveries,
    postpone_delivery,
    remember_answer,
    remember_topics,
    remembered_answers,
    remembered_topics,
    remove_delivery,
    unpark_deliveries,
)
from localdapr.errors import ApiError
from localdapr.handover import Answer, Handover
from localdapr.manifest import App
from localdapr.resiliency import Retry
from localdapr.resources import Resources
from localdapr.subscriptions import Subscription, SubscriptionSpec
from localdapr.yaml_file import problem, shown

if TYPE_CHECKING:
    from localdapr.store import Store

# When no policy covers the component: about a minute of tries, then the event is parked.
DEFAULT_RETRY = Retry(policy="exponential", max_interval=30.0, max_retries=10)
UNREACHABLE_PAUSE = 1.0  # seconds until an app that refuses connections is tried again
SUBSCRIBE_SECONDS = 10.0
log = logging.getLogger(__name__)


class PubSub:
    """The pub/sub of one process: all its apps, all their components."""

    def __init__(
        self, store: "Store", resources: Resources, apps: Iterable[App], session: ClientSession
    ) -> None:
        self._store = store
        self._resources = resources  # of the apps that bring none of their own
        self._own: dict[str, Resources] = {}
        self._session = session
        self._apps = {app.app_id: app for app in apps if app.app_port is not None}
        self._wishes = {app_id: resources.declared_for(app_id) for app_id in self._apps}
        self._couriers = {app_id: self._courier(app) for app_id, app in self._apps.items()}
        self._topics: dict[str, set[tuple[str, str]]] = {}  # of apps that run, and that ran
        self._putting: set[asyncio.Future[None]] = set()

    async def start(self) -> None:
        """Recall what apps subscribed to, and give parked events another chance."""
        self._topics = await self._store.read(remembered_topics)
        for app_id in self._apps:
            await self._recall(app_id)
        count = await self._store.write(lambda db: unpark_deliveries(db, time.time()))
        if count:
            log.info("%d events that had been given up are delivered again", count)

    async def add(self, app: App, resources: Resources) -> None:
        """One more app, with resources of its own; it gets what was published while it was away."""
        self._own[app.app_id] = resources
        if app.app_port is not None:
            self._apps[app.app_id] = app
            self._couriers[app.app_id] = self._courier(app)
            await self._recall(app.app_id)

    async def remove(self, app_id: str) -> None:
        """The app goes; its events wait for its return."""
        await self.app_stopped(app_id)
        for table in (self._own, self._apps, self._wishes, self._couriers):
            table.pop(app_id, None)

    async def close(self) -> None:
        """Stop all deliveries. May be called twice."""
        await asyncio.gather(*(courier.stop() for courier in self._couriers.values()))

    async def app_started(self, app_id: str) -> None:
        """Ask the app what it subscribes to, then begin deliveries to it."""
        if app_id not in self._apps:
            return
        answer = await self._asked(self._apps[app_id])
        if answer is not None:
            await self._store.write(lambda db: remember_answer(db, app_id, answer))
            await self._adopt(app_id, answer)
        self._couriers[app_id].start()

    async def app_stopped(self, app_id: str) -> None:
        """Deliveries to the app wait until it is started again."""
        if app_id in self._couriers:
            await self._couriers[app_id].stop()

    def subscriptions_of(self, app_id: str) -> tuple[Subscription, ...]:
        """The app's subscriptions, declared ones first."""
        return self._wishes.get(app_id, ())

    def require(self, pubsub: str, app_id: str) -> None:
        """Raise ApiError when this app has no pub/sub component of that name."""
        if self._of(app_id).find("pubsub", pubsub, app_id) is None:
            info = {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "domain": "dapr.io",
                "metadata": {},
                "reason": "DAPR_PUBSUB_NOT_FOUND",
            }
            message = f"pubsub {pubsub} is not found"
            raise ApiError(404, "ERR_PUBSUB_NOT_FOUND", message, [info], grpc="INVALID_ARGUMENT")

    async def publish(self, publications: Sequence[Publication]) -> None:
        """Put messages for one topic on disk, all or none. Raises ApiError."""
        if not publications:
            return
        first = publications[0]
        self.require(first.pubsub, first.source)
        if not first.topic:
            message = f"topic is empty in pubsub {first.pubsub}"
            raise ApiError(404, "ERR_TOPIC_NAME_EMPTY", message, grpc="INVALID_ARGUMENT")
        messages = [_message(publication) for publication in publications]
        app_ids = self._subscribers(first.pubsub, first.topic)
        if app_ids:
            # A publisher that hangs up meanwhile must not keep the subscribers from being woken.
            putting = asyncio.ensure_future(self._put(messages, first.topic, app_ids))
            self._putting.add(putting)
            putting.add_done_callback(self._putting.discard)
            await asyncio.shield(putting)

    async def _put(self, messages: Sequence[Message], topic: str, app_ids: Sequence[str]) -> None:
        await self._store.write(
            lambda db: add_deliveries(db, messages, topic, app_ids, time.time())
        )
        self._wake(app_ids)

    def _of(self, app_id: str) -> Resources:
        return self._own.get(app_id, self._resources)

    def _courier(self, app: App) -> Courier:
        handover = Handover(self._session, app)

        async def handle(rows: Sequence[int]) -> None:
            await self._deliver(app.app_id, handover, rows)

        def batch(due: Due) -> int:
            wish = self._wish(app.app_id, due.pubsub, due.topic)
            return wish.bulk.max_messages if wish and wish.bulk else 1

        return Courier(self._store, app.app_id, handle, batch)

    def _wish(self, app_id: str, pubsub: str, topic: str) -> Subscription | None:
        wishes = self._wishes.get(app_id, ())
        return next((wish for wish in wishes if (wish.pubsub, wish.topic) == (pubsub, topic)), None)

    def _subscribers(self, pubsub: str, topic: str) -> list[str]:
        return [app_id for app_id, topics in self._topics.items() if (pubsub, topic) in topics]

    def _wake(self, app_ids: Iterable[str]) -> None:
        for app_id in app_ids:
            if app_id in self._couriers:
                self._couriers[app_id].wake()

    async def _asked(self, app: App) -> list[Any] | None:
        """The app's answer to /dapr/subscribe; None when it gave none worth keeping."""
        url = f"http://127.0.0.1:{app.app_port}/dapr/subscribe"
        timeout = ClientTimeout(total=SUBSCRIBE_SECONDS)
        try:
            async with self._session.get(
                url, timeout=timeout, headers=token_header(app)
            ) as response:
                if response.status == 404:
                    return []
                answer = from_json(await response.read()) if response.status == 200 else None
        except (ClientError, TimeoutError, ValueError) as cause:
            log.warning("%s: /dapr/subscribe gave no list: %s", app.app_id, cause)
            return None
        if not isinstance(answer, list):
            log.warning("%s: /dapr/subscribe gave no list", app.app_id)
            return None
        return answer

    async def _recall(self, app_id: str) -> None:
        answers = await self._store.read(remembered_answers)
        await self._adopt(app_id, answers.get(app_id, ()))

    async def _adopt(self, app_id: str, answer: Sequence[Any]) -> None:
        """Declared subscriptions, then those of the app for other topics."""
        resources = self._of(app_id)
        wishes = list(resources.declared_for(app_id))
        taken = {(wish.pubsub, wish.topic) for wish in wishes}
        for entry in answer:
            try:
                wish = SubscriptionSpec.model_validate(entry).subscription("PROGRAMMATIC")
            except ValidationError as cause:
                place, text = problem(cause)
                said = f"{shown(place)}: {text}"
                log.warning("%s: /dapr/subscribe: %s; entry left out", app_id, said)
                continue
            if (wish.pubsub, wish.topic) not in taken:
                wishes.append(wish)
                taken.add((wish.pubsub, wish.topic))
        self._wishes[app_id] = tuple(wishes)
        topics = {place for place in taken if resources.find("pubsub", place[0], app_id)}
        if topics != self._topics.get(app_id, set()):
            await self._store.write(lambda db: remember_topics(db, app_id, topics))
        self._topics[app_id] = topics

    async def _deliver(self, app_id: str, handover: Handover, rows: Sequence[int]) -> None:
        """Give the events of these rows (one topic) to the app, then settle them."""
        loaded = await self._store.read(lambda db: load_deliveries(db, rows))
        fresh = [delivery for delivery in loaded if not _expired(delivery)]
        outcomes = [(delivery, Answer.UNWANTED) for delivery in loaded if _expired(delivery)]
        wish = self._wish(app_id, fresh[0].message.pubsub, fresh[0].topic) if fresh else None
        if wish:
            timeout = self._of(app_id).delivery_policy(app_id, wish.pubsub).timeout
            answers = await handover.give(wish, fresh, timeout)
            outcomes += zip(fresh, answers, strict=True)
        else:
            outcomes += [(delivery, Answer.UNREADABLE) for delivery in fresh]
        await self._settle_all(app_id, wish, outcomes)

    async def _settle_all(
        self,
        app_id: str,
        wish: Subscription | None,
        outcomes: Sequence[tuple[Delivery, Answer]],
    ) -> None:
        heirs = self._heirs(wish)

        def settle(db: sqlite3.Connection) -> None:
            for delivery, answer in outcomes:
                self._settle(db, app_id, wish, heirs, delivery, answer)

        await self._store.write(settle)
        self._wake(heirs)

    def _heirs(self, wish: Subscription | None) -> list[str]:
        """Who gets the dead letters of a subscription."""
        if wish is None or wish.dead_letter_topic in ("", wish.topic):
            return []
        return self._subscribers(wish.pubsub, wish.dead_letter_topic)

    def _settle(
        self,
        db: sqlite3.Connection,
        app_id: str,
        wish: Subscription | None,
        heirs: Sequence[str],
        delivery: Delivery,
        answer: Answer,
    ) -> None:
        """Decide about one event; runs in the writer's thread, touches only its arguments."""
        now = time.time()
        if answer in (Answer.DONE, Answer.UNWANTED) or (answer is Answer.DROPPED and not heirs):
            remove_delivery(db, delivery.row)
            return
        if answer is Answer.UNREACHABLE:
            postpone_delivery(db, delivery.row, now + UNREACHABLE_PAUSE, delivery.failures)
            return
        delay = self._delay(app_id, wish, delivery.failures + 1, answer)
        if delay is not None:
            postpone_delivery(db, delivery.row, now + delay, delivery.failures + 1)
        elif wish and heirs:
            add_deliveries(db, [delivery.message], wish.dead_letter_topic, heirs, now)
            remove_delivery(db, delivery.row)
        else:
            _park(db, app_id, delivery, answer)

    def _delay(
        self, app_id: str, wish: Subscription | None, failures: int, answer: Answer
    ) -> float | None:
        """Seconds until the next try, None when there is none."""
        if wish is None or answer in (Answer.DROPPED, Answer.UNREADABLE):
            return None
        retry = self._of(app_id).delivery_policy(app_id, wish.pubsub).retry
        if retry is None and wish.dead_letter_topic and answer is not Answer.BROKEN:
            return None
        return (retry or DEFAULT_RETRY).delay(failures)


def _message(publication: Publication) -> Message:
    event_id, now = str(uuid4()), datetime.now(UTC)
    try:
        body = encode(publication, event_id, now)
    except ValueError as cause:
        raise _not_an_event(publication, cause) from cause
    expires_at = (now + publication.ttl).timestamp() if publication.ttl else None
    return Message(publication.pubsub, event_id, body, expires_at)


def _not_an_event(publication: Publication, cause: ValueError) -> ApiError:
    message = "cannot create cloudevent"
    details: list[dict[str, Any]] = [
        {
            "@type": "type.googleapis.com/google.rpc.ResourceInfo",
            "description": message,
            "owner": "",
            "resource_name": publication.pubsub,
            "resource_type": "pubsub",
        },
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "domain": "dapr.io",
            "metadata": {"appID": publication.source, "error": str(cause)},
            "reason": "DAPR_PUBSUB_CLOUD_EVENT_CREATION",
        },
    ]
    return ApiError(500, "ERR_PUBSUB_CLOUD_EVENTS_SER", message, details)


def _expired(delivery: Delivery) -> bool:
    expires_at = delivery.message.expires_at
    return expires_at is not None and expires_at <= time.time()


def _park(db: sqlite3.Connection, app_id: str, delivery: Delivery, answer: Answer) -> None:
    postpone_delivery(db, delivery.row, None, delivery.failures + 1)
    log.error(
        "event %s of topic %s is given up for %s (%s) and kept; it is tried again when "
        "localdapr is started next",
        delivery.message.event_id,
        delivery.topic,
        app_id,
        answer.value,
    )
