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
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiohttp import ClientSession
from pydantic import ValidationError

from localdapr import deliveries
from localdapr.cloudevent import Publication, encode
from localdapr.courier import Courier
from localdapr.deliveries import Delivery, Due, Message, Topic
from localdapr.errors import ApiError, error_info, resource_info
from localdapr.handover import Answer, Handover
from localdapr.manifest import App
from localdapr.names import check_name
from localdapr.resiliency import NO_POLICY, Retry
from localdapr.resources import Resources
from localdapr.subscriptions import Subscription, SubscriptionSpec
from localdapr.yaml_file import said

if TYPE_CHECKING:
    from localdapr.store import Store

# When no policy covers the component: about a minute of tries, then the event is parked.
DEFAULT_RETRY = Retry(policy="exponential", max_interval=30.0, max_retries=10)
UNREACHABLE_PAUSE = 1.0  # seconds until an app that refuses connections is tried again
log = logging.getLogger(__name__)


@dataclass
class Subscriber:
    """An app that listens."""

    resources: Resources
    handover: Handover
    courier: Courier
    wishes: tuple[Subscription, ...] = ()

    def wish(self, topic: Topic) -> Subscription | None:
        return next((wish for wish in self.wishes if (wish.pubsub, wish.topic) == topic), None)


class PubSub:
    """The pub/sub of one process: all its apps, all their components."""

    def __init__(self, store: "Store", session: ClientSession) -> None:
        self._store = store
        self._session = session
        self._resources: dict[str, Resources] = {}  # of each app that may publish
        self._subscribers: dict[str, Subscriber] = {}
        self._topics: dict[str, set[Topic]] = {}  # of apps that run, and that ran
        self._putting: set[asyncio.Future[None]] = set()

    async def start(self) -> None:
        """Recall what apps subscribed to, and give parked events another chance."""
        self._topics = await self._store.read(deliveries.remembered_topics)
        count = await self._store.write(lambda db: deliveries.unpark(db, time.time()))
        if count:
            log.info("%d events that had been given up are delivered again", count)

    async def add(self, app: App, resources: Resources) -> None:
        """One more app; it gets what was published while it was away."""
        app_id = app.app_id
        self._resources[app_id] = resources
        if app.app_port is not None:
            deliver, batch = partial(self._deliver, app_id), partial(self._batch, app_id)
            courier = Courier(self._store, app_id, deliver, batch)
            handover = Handover(self._session, app)
            self._subscribers[app_id] = Subscriber(resources, handover, courier)
            answers = await self._store.read(deliveries.remembered_answers)
            await self._adopt(app_id, answers.get(app_id, ()))

    async def remove(self, app_id: str) -> None:
        """The app goes; its events wait for its return."""
        await self.app_stopped(app_id)
        self._resources.pop(app_id, None)
        self._subscribers.pop(app_id, None)

    async def close(self) -> None:
        """Stop all deliveries. May be called twice."""
        await asyncio.gather(*(each.courier.stop() for each in self._subscribers.values()))

    async def app_started(self, app_id: str) -> None:
        """Ask the app what it subscribes to, then begin deliveries to it."""
        if app_id not in self._subscribers:
            return
        subscriber = self._subscribers[app_id]
        answer = await subscriber.handover.ask_subscriptions()
        if answer is not None:
            await self._store.write(lambda db: deliveries.remember_answer(db, app_id, answer))
            await self._adopt(app_id, answer)
        subscriber.courier.start()

    async def app_stopped(self, app_id: str) -> None:
        """Deliveries to the app wait until it is started again."""
        if app_id in self._subscribers:
            await self._subscribers[app_id].courier.stop()

    def subscriptions_of(self, app_id: str) -> tuple[Subscription, ...]:
        """The app's subscriptions, declared ones first."""
        return self._subscribers[app_id].wishes if app_id in self._subscribers else ()

    def require(self, pubsub: str, app_id: str) -> None:
        """Raise ApiError when this app has no pub/sub component of that name."""
        known = self._resources.get(app_id)
        if known is None or known.find("pubsub", pubsub, app_id) is None:
            info = error_info("PUBSUB_NOT_FOUND", {})
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
        check_name("topic", first.topic)
        messages = [_message(publication) for publication in publications]
        app_ids = self._wanting((first.pubsub, first.topic))
        if app_ids:
            # A publisher that hangs up meanwhile must not keep the subscribers from being woken.
            putting = asyncio.ensure_future(self._put(messages, first.topic, app_ids))
            self._putting.add(putting)
            putting.add_done_callback(self._putting.discard)
            await asyncio.shield(putting)

    async def _put(self, messages: Sequence[Message], topic: str, app_ids: Sequence[str]) -> None:
        await self._store.write(
            lambda db: deliveries.add(db, messages, topic, app_ids, time.time())
        )
        self._wake(app_ids)

    def _batch(self, app_id: str, due: Due) -> int:
        wish = self._subscribers[app_id].wish((due.pubsub, due.topic))
        return wish.bulk if wish and wish.bulk else 1

    def _wanting(self, topic: Topic) -> list[str]:
        return [app_id for app_id, topics in self._topics.items() if topic in topics]

    def _wake(self, app_ids: Iterable[str]) -> None:
        for app_id in app_ids:
            if app_id in self._subscribers:
                self._subscribers[app_id].courier.wake()

    async def _adopt(self, app_id: str, answer: Sequence[Any]) -> None:
        """Declared subscriptions, then those of the app for other topics."""
        subscriber = self._subscribers[app_id]
        wishes: dict[Topic, Subscription] = {}
        for wish in (*subscriber.resources.declared_for(app_id), *_readable(app_id, answer)):
            wishes.setdefault((wish.pubsub, wish.topic), wish)
        subscriber.wishes = tuple(wishes.values())
        topics = {
            topic for topic in wishes if subscriber.resources.find("pubsub", topic[0], app_id)
        }
        if topics != self._topics.get(app_id, set()):
            await self._store.write(lambda db: deliveries.remember_topics(db, app_id, topics))
        self._topics[app_id] = topics

    async def _deliver(self, app_id: str, rows: Sequence[int]) -> None:
        """Give the events of these rows (one topic) to the app, then settle them."""
        loaded = await self._store.read(lambda db: deliveries.load(db, rows))
        if not loaded:
            return
        subscriber = self._subscribers[app_id]
        wish = subscriber.wish((loaded[0].message.pubsub, loaded[0].topic))
        fresh = [delivery for delivery in loaded if not _expired(delivery)]
        outcomes = [(delivery, Answer.UNWANTED) for delivery in loaded if _expired(delivery)]
        policy = subscriber.resources.delivery_policy(app_id, wish.pubsub) if wish else NO_POLICY
        if wish and fresh:
            answers = await subscriber.handover.give(wish, fresh, policy.timeout)
            outcomes += zip(fresh, answers, strict=True)
        else:
            outcomes += [(delivery, Answer.UNREADABLE) for delivery in fresh]
        heirs = self._heirs(wish)

        def settle(db: sqlite3.Connection) -> None:
            for delivery, answer in outcomes:
                _settle(db, delivery, answer, wish, policy.retry, heirs)

        await self._store.write(settle)
        self._wake(heirs)

    def _heirs(self, wish: Subscription | None) -> list[str]:
        """Who gets the dead letters of a subscription."""
        if wish is None or wish.dead_letter_topic in ("", wish.topic):
            return []
        return self._wanting((wish.pubsub, wish.dead_letter_topic))


def _readable(app_id: str, answer: Sequence[Any]) -> Iterable[Subscription]:
    """The subscriptions in an app's answer to /dapr/subscribe."""
    for entry in answer:
        try:
            yield SubscriptionSpec.model_validate(entry).subscription("PROGRAMMATIC")
        except ValidationError as cause:
            log.warning("%s: /dapr/subscribe: %s; entry left out", app_id, said(cause))


def _settle(
    db: sqlite3.Connection,
    delivery: Delivery,
    answer: Answer,
    wish: Subscription | None,
    retry: Retry | None,
    heirs: Sequence[str],
) -> None:
    """Decide about one event, in the writer's thread."""
    now = time.time()
    delay = _delay(delivery, answer, wish, retry)
    if answer in (Answer.DONE, Answer.UNWANTED) or (answer is Answer.DROPPED and not heirs):
        deliveries.remove(db, delivery.row)
    elif answer is Answer.UNREACHABLE:
        deliveries.postpone(db, delivery.row, now + UNREACHABLE_PAUSE, delivery.failures)
    elif delay is not None:
        deliveries.postpone(db, delivery.row, now + delay, delivery.failures + 1)
    elif wish and heirs:
        deliveries.add(db, [delivery.message], wish.dead_letter_topic, heirs, now)
        deliveries.remove(db, delivery.row)
    else:
        deliveries.postpone(db, delivery.row, None, delivery.failures + 1)
        log.error(
            "event %s of topic %s is given up for %s (%s) and kept; it is tried again when "
            "localdapr is started next",
            delivery.message.event_id,
            delivery.topic,
            delivery.app_id,
            answer.value,
        )


def _delay(
    delivery: Delivery, answer: Answer, wish: Subscription | None, retry: Retry | None
) -> float | None:
    """Seconds until the next try, None when there is none."""
    if wish is None or answer in (Answer.DROPPED, Answer.UNREADABLE):
        return None
    if retry is None and wish.dead_letter_topic and answer is not Answer.BROKEN:
        return None
    return (retry or DEFAULT_RETRY).delay(delivery.failures + 1)


def _message(publication: Publication) -> Message:
    event_id, now = str(uuid4()), datetime.now(UTC)
    try:
        body = encode(publication, event_id, now)
    except ValueError as cause:
        message = "cannot create cloudevent"
        about = {"appID": publication.source, "error": str(cause)}
        details = [
            resource_info("pubsub", publication.pubsub, message),
            error_info("PUBSUB_CLOUD_EVENT_CREATION", about),
        ]
        raise ApiError(500, "ERR_PUBSUB_CLOUD_EVENTS_SER", message, details) from cause
    expires_at = (now + publication.ttl).timestamp() if publication.ttl else None
    return Message(publication.pubsub, event_id, body, expires_at)


def _expired(delivery: Delivery) -> bool:
    expires_at = delivery.message.expires_at
    return expires_at is not None and expires_at <= time.time()
