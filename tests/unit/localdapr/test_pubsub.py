"""Durable pub/sub: a real data file, a real app that answers as told."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localdapr.app_calls import new_session
from localdapr.cloudevent import Publication
from localdapr.components import Component
from localdapr.courier import IN_FLIGHT
from localdapr.deliveries import SCHEMA
from localdapr.errors import ApiError
from localdapr.manifest import App
from localdapr.pubsub import PubSub
from localdapr.resiliency import Policy, Resiliency, Retry
from localdapr.resources import Resources
from localdapr.routing import Condition
from localdapr.store import Store
from localdapr.subscriptions import Rule, Subscription
from tests.unit.localdapr.recording_app import BREAK_OFF, RecordingApp, until

PUBSUB = Component("pubsub", "pubsub.redis")
QUICK = Resiliency(
    components={("pubsub", "inbound"): Policy(Retry("constant", duration=0.01, max_retries=3))}
)


@dataclass
class Parts:
    store: Store
    pubsub: PubSub
    app: RecordingApp

    async def publish(self, data: bytes, topic: str = "orders", **metadata: str) -> None:
        message = Publication("shop", "pubsub", topic, data, "application/json", metadata)
        await self.pubsub.publish([message])

    async def counts(self) -> dict[str, int]:
        return await self.store.read(count_deliveries)

    async def until_counts(self, **wanted: int) -> None:
        """Wait until so many rows wait, and so many of them are parked."""
        async with asyncio.timeout(15):
            while not wanted.items() <= (await self.counts()).items():
                await asyncio.sleep(0.005)


def count_deliveries(db: sqlite3.Connection) -> dict[str, int]:
    waiting, due = db.execute("SELECT count(*), count(due_at) FROM deliveries").fetchone()
    return {"waiting": waiting, "parked": waiting - due}


Story = Callable[[Parts], Awaitable[None]]


def wish(topic: str = "orders", **options: Any) -> Subscription:
    rules = options.pop("rules", (Rule(f"/{topic}"),))
    return Subscription("pubsub", topic, rules, **options)


@asynccontextmanager
async def running(
    folder: Path, resources: Resources, app: RecordingApp, *, started: bool = True
) -> AsyncIterator[Parts]:
    await app.start()
    store = Store(folder, [SCHEMA])
    async with new_session() as session:
        pubsub = PubSub(store, session)
        await pubsub.start()
        await pubsub.add(App("shop", 0, 0), resources)
        await pubsub.add(App("kitchen", 0, 0, app.port), resources)
        if started:
            await pubsub.app_started("kitchen")
        try:
            yield Parts(store, pubsub, app)
        finally:
            await pubsub.close()
            await pubsub.close()
            store.close()


def play(
    folder: Path, story: Story, *wishes: Subscription, app: RecordingApp | None = None, **more: Any
) -> None:
    """Run a story against a pub/sub with these declared subscriptions."""

    async def run() -> None:
        resiliencies = more.get("resiliencies", (QUICK,))
        resources = Resources((PUBSUB,), wishes, resiliencies)
        recording = app or RecordingApp()
        try:
            started = more.get("started", True)
            async with (
                asyncio.timeout(30),
                running(folder, resources, recording, started=started) as parts,
            ):
                await story(parts)
        finally:
            await recording.stop()

    asyncio.run(run())


def test_an_event_reaches_its_subscriber_and_is_forgotten(tmp_path: Path) -> None:
    async def story(parts: Parts) -> None:
        await parts.publish(b'{"n":1}')
        await parts.until_counts(waiting=0)
        assert parts.app.events[0][0] == "/orders"
        assert parts.app.data() == [{"n": 1}]

    play(tmp_path, story, wish())


def test_a_failed_delivery_is_tried_again_until_it_succeeds(tmp_path: Path) -> None:
    async def story(parts: Parts) -> None:
        retry: tuple[int, Any] = (200, {"status": "RETRY"})
        parts.app.replies["/orders"] = [(500, None), retry, (302, None), (200, None)]
        await parts.publish(b"1")
        await parts.until_counts(waiting=0)
        assert parts.app.data() == [1, 1, 1, 1]
        assert len({body["id"] for _, body in parts.app.events}) == 1

    play(tmp_path, story, wish())


def test_after_the_last_retry_the_event_goes_to_the_dead_letter_topic(tmp_path: Path) -> None:
    async def story(parts: Parts) -> None:
        parts.app.replies["/orders"] = [(500, None)]
        await parts.publish(b"1")
        await until(lambda: len(parts.app.events) == 5)
        await parts.until_counts(waiting=0)
        assert [path for path, _ in parts.app.events] == ["/orders"] * 4 + ["/dead"]
        assert parts.app.events[-1][1] == parts.app.events[0][1]

    play(tmp_path, story, wish(dead_letter_topic="dead"), wish("dead"))


@pytest.mark.parametrize("reply", [(500, None), (200, {"status": "WHAT"})])
def test_without_a_policy_a_failure_goes_to_the_dead_letter_topic_at_once(
    tmp_path: Path, reply: tuple[int, Any]
) -> None:
    async def story(parts: Parts) -> None:
        parts.app.replies["/orders"] = [reply]
        await parts.publish(b"1")
        await until(lambda: len(parts.app.events) == 2)
        assert [path for path, _ in parts.app.events] == ["/orders", "/dead"]

    play(tmp_path, story, wish(dead_letter_topic="dead"), wish("dead"), resiliencies=())


@pytest.mark.parametrize("letters", ["", "dead", "orders"])
def test_an_event_that_nobody_takes_is_kept_and_tried_again_at_the_next_start(
    tmp_path: Path, letters: str
) -> None:
    app = RecordingApp()
    app.replies["/orders"] = [(500, None)]

    async def fail(parts: Parts) -> None:
        await parts.publish(b"1")
        await parts.until_counts(waiting=1, parked=1)
        app.replies["/orders"] = [(200, None)]

    async def succeed(parts: Parts) -> None:
        await parts.until_counts(waiting=0, parked=0)
        assert parts.app.data() == [1] * 5

    play(tmp_path, fail, wish(dead_letter_topic=letters), app=app)
    play(tmp_path, succeed, wish(dead_letter_topic=letters), app=app)


@pytest.mark.parametrize("reply", [(200, {"status": "DROP"}), (404, None)])
def test_a_dropped_event_is_gone_after_one_delivery(tmp_path: Path, reply: tuple[int, Any]) -> None:
    async def story(parts: Parts) -> None:
        parts.app.replies["/orders"] = [reply]
        await parts.publish(b"1")
        await parts.until_counts(waiting=0)
        assert parts.app.data() == [1]

    play(tmp_path, story, wish())


def test_an_event_that_no_rule_can_read_is_kept_and_one_that_none_wants_is_not(
    tmp_path: Path,
) -> None:
    async def story(parts: Parts) -> None:
        await parts.publish(b'{"size":"small"}')
        await parts.until_counts(waiting=0)
        await parts.publish(b'{"colour":"red"}')
        await parts.until_counts(waiting=1, parked=1)
        assert parts.app.events == []

    play(tmp_path, story, wish(rules=(Rule("/large", Condition('event.data.size == "large"')),)))


def test_publishing_succeeds_without_subscribers_and_keeps_nothing(tmp_path: Path) -> None:
    async def story(parts: Parts) -> None:
        await parts.publish(b"1", "unheard")
        assert await parts.counts() == {"waiting": 0, "parked": 0}

    play(tmp_path, story, wish())


def test_an_unknown_pubsub_is_refused(tmp_path: Path) -> None:
    async def story(parts: Parts) -> None:
        with pytest.raises(ApiError) as caught:
            await parts.pubsub.publish([Publication("shop", "nowhere", "orders", b"1")])
        assert (caught.value.status, caught.value.code) == (404, "ERR_PUBSUB_NOT_FOUND")

    play(tmp_path, story, wish())


def test_an_expired_event_is_not_delivered(tmp_path: Path) -> None:
    app = RecordingApp()

    async def story(parts: Parts) -> None:
        await parts.pubsub.app_stopped("kitchen")
        await parts.publish(b"1", ttlInSeconds="1")
        await asyncio.sleep(1.1)  # the shortest TTL there is
        await parts.pubsub.app_started("kitchen")
        await parts.until_counts(waiting=0)
        assert parts.app.events == []

    play(tmp_path, story, wish(), app=app)


def test_events_wait_for_a_stopped_app(tmp_path: Path) -> None:
    async def story(parts: Parts) -> None:
        await parts.pubsub.app_stopped("kitchen")
        await parts.pubsub.app_stopped("kitchen")
        await parts.publish(b"1")
        assert await parts.counts() == {"waiting": 1, "parked": 0}
        await parts.pubsub.app_started("kitchen")
        await parts.until_counts(waiting=0)
        assert parts.app.data() == [1]

    play(tmp_path, story, wish())


def test_an_app_that_stops_in_the_middle_gets_the_event_again(tmp_path: Path) -> None:
    async def story(parts: Parts) -> None:
        parts.app.held = asyncio.Event()
        await parts.publish(b"1")
        await until(lambda: parts.app.events)
        await parts.pubsub.app_stopped("kitchen")
        parts.app.held.set()
        await parts.pubsub.app_started("kitchen")
        await parts.until_counts(waiting=0)
        assert parts.app.data() == [1, 1]

    play(tmp_path, story, wish())


def test_an_app_that_is_killed_over_an_event_gets_it_again_not_the_dead_letter_topic(
    tmp_path: Path,
) -> None:
    async def story(parts: Parts) -> None:
        parts.app.replies["/orders"] = [(BREAK_OFF, None), (200, None)]
        await parts.publish(b"1")
        await parts.until_counts(waiting=0)
        assert [path for path, _ in parts.app.events] == ["/orders", "/orders"]

    play(tmp_path, story, wish(dead_letter_topic="dead"), wish("dead"), resiliencies=())


def test_every_event_that_was_acknowledged_survives_a_killed_process(tmp_path: Path) -> None:
    publisher = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("publishing_process.py")), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert publisher.stdout
    acknowledged = [int(publisher.stdout.readline()) for _ in range(20)]
    publisher.kill()
    acknowledged += [int(line) for line in publisher.stdout if line.endswith("\n")]
    publisher.wait()
    publisher.stdout.close()

    async def recover(parts: Parts) -> None:
        await parts.until_counts(waiting=0)
        assert set(acknowledged) <= set(parts.app.data())
        assert len(parts.app.data()) == len(set(parts.app.data()))

    play(tmp_path, recover, wish())


def test_no_more_requests_run_at_once_than_allowed(tmp_path: Path) -> None:
    async def story(parts: Parts) -> None:
        parts.app.held = asyncio.Event()
        await asyncio.gather(*(parts.publish(str(n).encode()) for n in range(3 * IN_FLIGHT)))
        await until(lambda: len(parts.app.events) == IN_FLIGHT)
        await asyncio.sleep(0.05)  # long enough for one more to show itself
        assert len(parts.app.events) == IN_FLIGHT
        parts.app.held.set()
        await parts.until_counts(waiting=0)
        assert sorted(parts.app.data()) == list(range(3 * IN_FLIGHT))

    play(tmp_path, story, wish())


def test_an_app_subscribes_by_its_own_answer_and_is_remembered(tmp_path: Path) -> None:
    listed = [
        {"pubsubname": "pubsub", "topic": "prog", "route": "prog"},
        {"pubsubname": "pubsub", "topic": "orders", "route": "/ignored"},
        {"topic": "broken"},
    ]
    app = RecordingApp(listed)

    async def subscribe(parts: Parts) -> None:
        topics = [(entry.topic, entry.kind) for entry in parts.pubsub.subscriptions_of("kitchen")]
        assert topics == [("orders", "DECLARATIVE"), ("prog", "PROGRAMMATIC")]
        await parts.pubsub.app_stopped("kitchen")

    async def publish_before_it_is_up(parts: Parts) -> None:
        await parts.publish(b"1", "prog")
        await parts.pubsub.app_started("kitchen")
        await parts.until_counts(waiting=0)
        assert app.events[0][0] == "/prog"

    play(tmp_path, subscribe, wish(), app=app)
    play(tmp_path, publish_before_it_is_up, wish(), app=app, started=False)


def test_an_app_that_subscribes_to_nothing_any_more_is_forgotten(tmp_path: Path) -> None:
    app = RecordingApp([{"pubsubname": "pubsub", "topic": "prog", "route": "/prog"}])

    async def story(parts: Parts) -> None:
        app.subscriptions = None
        await parts.pubsub.app_started("kitchen")
        assert parts.pubsub.subscriptions_of("kitchen") == ()

    play(tmp_path, story, app=app)


def test_a_bulk_subscription_gets_several_events_and_answers_for_each(tmp_path: Path) -> None:
    async def story(parts: Parts) -> None:
        await parts.pubsub.app_stopped("kitchen")
        for data in (b"1", b"2", b"3"):
            await parts.publish(data)
        parts.app.replies["/orders"] = [(200, {"statuses": []}), (500, None), (404, None)]
        await parts.pubsub.app_started("kitchen")
        await parts.until_counts(waiting=0)
        sizes = [len(body["entries"]) for _, body in parts.app.events]
        assert sizes[0] == 2
        assert set(sizes) <= {1, 2}
        assert sum(sizes) > 3

    play(tmp_path, story, wish(bulk=2))


@pytest.mark.parametrize(
    "raw",
    [b'{"n":1,"traceparent":"a\\r\\nX-B: 1","tracestate":"\\u0000"}', b'{"n":1,"id":"\\ud800"}'],
)
@pytest.mark.parametrize("bulk", [0, 2])
def test_what_a_raw_event_holds_does_not_stop_its_delivery(
    tmp_path: Path, raw: bytes, bulk: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(parts: Parts) -> None:
        parts.app.replies["/orders"] = [(404, None)]  # an end for single events and bulk
        await parts.publish(raw, rawPayload="true")
        await parts.until_counts(waiting=0)
        assert len(parts.app.events) == 1

    play(tmp_path, story, wish(bulk=bulk))
    assert caplog.records == []


def test_one_publish_reaches_every_app_that_wants_it(tmp_path: Path) -> None:
    async def run() -> None:
        apps = {name: RecordingApp() for name in ("kitchen", "order")}
        for each in apps.values():
            await each.start()
        store = Store(tmp_path, [SCHEMA])
        resources = Resources((PUBSUB,), (wish(),))
        async with new_session() as session:
            listed = [App(name, 0, 0, each.port) for name, each in apps.items()]
            pubsub = PubSub(store, session)
            for app in (*listed, App("portless", 0, 0)):
                await pubsub.add(app, resources)
                await pubsub.app_started(app.app_id)
            await pubsub.publish([Publication("portless", "pubsub", "orders", b"x")])
            await until(lambda: all(each.data() == ["x"] for each in apps.values()))
            await pubsub.close()
        store.close()
        for each in apps.values():
            await each.stop()

    asyncio.run(run())
