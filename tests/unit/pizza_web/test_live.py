"""Streams of live regions, as a browser reads them."""

import contextlib
import contextvars
import re
import threading
import time

import pytest

import live as module
import region
from pizza_common.errors import NotFound, PeerUnavailable
from pizza_common.event import OrderEvent
from pizza_common.order import Order
from pizza_common.status import Status
from tests.unit.pizza_web.conftest import STREAM
from tests.unit.pizza_web.customer_shop import has_order
from tests.unit.pizza_web.fake_shop import FakeShop, browser_of
from tests.unit.pizza_web.sessions import sign_in
from tests.unit.services import ORDER

COMMENT = ":\n\n"
PATIENCE = 20.0


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    monkeypatch.setattr(module, "KEEP_ALIVE_SECONDS", 0.3)
    monkeypatch.setattr(module, "BOARD_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(module, "STREAM_SECONDS", PATIENCE)
    monkeypatch.setattr(region, "LATER_SECONDS", PATIENCE)


@contextlib.contextmanager
def opened(client, seen="", path="/live/probe"):
    """A stream, in a context of its own, as in a thread of a server."""
    headers = {**STREAM, "Last-Event-ID": seen} if seen else STREAM
    context = contextvars.Context()
    answer = context.run(client.get, path, headers=headers)
    assert answer.status_code == 200
    assert answer.mimetype == "text/event-stream"
    try:
        chunks = iter(answer.response)
        yield (chunk.decode() for chunk in iter(lambda: context.run(next, chunks, b""), b""))
    finally:
        context.run(answer.close)


def fields(event):
    """The fields of an event, `data` of several lines as one."""
    lines = (line.partition(":") for line in event.splitlines() if line)
    pairs = [(name, value.removeprefix(" ")) for name, _, value in lines]
    data = "\n".join(value for name, value in pairs if name == "data")
    return {**dict(pairs), "data": data}


def first_of(events):
    """The first fragment; a stream says at once that it is there."""
    assert next(events) == COMMENT
    return fields(next(events))


def numbers(client):
    lines = client.get("/metrics").text.splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if line.startswith("pizza_web"))
    return {name.removeprefix("pizza_web_"): float(value) for name, value in found.items()}


def test_a_stream_begins_with_what_there_is_and_goes_on_with_what_changes(probe):
    client = probe.open()
    with opened(client) as events:
        assert "<p>one</p>\n<form" in first_of(events)["data"]
        probe.text = "two"
        event = OrderEvent.announce(Order(**ORDER), Status.COOKED, "pizza-kitchen")
        told = {"specversion": "1.0", "data": event.model_dump(mode="json")}
        assert client.post("/orders-sub", json=told).get_json() == {"status": "SUCCESS"}
        assert "<p>two</p>" in fields(next(events))["data"]


def test_a_page_is_told_nothing_twice(probe):
    with opened(probe.open()) as events:
        first_of(events)
        probe.changes.tell("orders")
        assert next(events) == COMMENT
    assert probe.rendered == 2


def test_a_region_of_all_orders_rests_between_two_fragments(probe, monkeypatch):
    monkeypatch.setattr(module, "BOARD_PAUSE_SECONDS", PATIENCE)
    with opened(probe.open()) as events:
        first_of(events)
        probe.text = "two"
        probe.changes.tell("orders")
        assert next(events) == COMMENT


def test_a_page_that_comes_back_gets_only_what_it_has_not(probe):
    client = probe.open()
    with opened(client) as events:
        seen = first_of(events)["id"]
    with opened(client, seen) as events:
        assert [next(events), next(events)] == [COMMENT, COMMENT]
    probe.text = "two"  # while nobody looked
    with opened(client, seen) as events:
        assert "<p>two</p>" in first_of(events)["data"]


def test_all_pages_of_a_region_get_what_is_rendered_once(probe):
    client = probe.open()
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(opened(client)) for _ in range(5)]
        assert len({first_of(events)["id"] for events in streams}) == 1
        assert numbers(client) == {
            "streams": 5,
            "fragments_rendered_total": 1,
            "fragments_sent_total": 5,
            "streams_without_place_total": 0,
        }


def test_each_reader_gets_a_form_of_its_own_session(probe):
    one = probe.open()
    other = probe.app.test_client()
    for client in (one, other):
        with opened(client) as events:
            token = re.search('name="csrf_token" value="([^"]+)"', first_of(events)["data"])[1]
        assert client.post("/probe", data={"text": "two", "csrf_token": token}).text == "changed"
    assert one.post("/probe", data={"text": "3", "csrf_token": module.CSRF_MARK}).status_code == 400


def test_a_stream_without_a_place_is_one_answer_and_the_page_asks_again(probe):
    client = probe.open(pizza_web_streams=1)
    with opened(client) as first:
        first_of(first)
        with opened(client) as second:
            event = first_of(second)
            assert "<p>one</p>" in event["data"]
            assert int(event["retry"]) * 1.3 < 5000  # hx-sse varies it by 30 %
            assert next(second, "over") == "over"
        with opened(client, event["id"]) as third:
            again = first_of(third)
            assert again == {"event": "shop:current", "retry": event["retry"], "data": ""}
    with opened(client) as fourth:  # there is a place again
        assert int(first_of(fourth)["retry"]) < int(event["retry"])
        assert next(fourth) == COMMENT


def test_only_a_stream_with_a_place_has_a_thread_of_its_own_to_wait_in(probe):
    client = probe.open(pizza_web_streams=1)
    with opened(client, path="/live/looks-often") as placed:
        first_of(placed)
        with opened(client) as unplaced:
            first_of(unplaced)
    with opened(client) as placed:
        first_of(placed)
    assert probe.had_own_thread == [False, True]


def test_a_page_is_told_that_it_may_be_old_while_a_service_is_away(probe, monkeypatch):
    monkeypatch.setattr(region, "RETRY_SECONDS", 0.05)
    with opened(probe.open()) as events:
        first_of(events)
        probe.error = PeerUnavailable()
        probe.changes.tell("orders")
        assert fields(next(events))["event"] == "shop:stale"
        probe.error = None
        assert "event: shop:current\n" in next(each for each in events if each != COMMENT)


def test_a_page_that_is_not_there_any_more_is_loaded_again(probe):
    with opened(probe.open()) as events:
        first_of(events)
        probe.error = NotFound()
        probe.changes.tell("orders")
        assert [fields(event)["event"] for event in events] == ["shop:reload"]


def test_a_stream_that_nobody_reads_any_more_leaves_nothing(probe):
    client = probe.open()
    with opened(client) as events:
        first_of(events)
    assert numbers(client)["streams"] == 0
    assert probe.live._regions == {}
    assert probe.changes._watchers == {}


def test_when_the_service_stops_streams_end_at_once_and_no_new_one_goes_on(probe):
    client = probe.open()
    with opened(client) as events:
        first_of(events)
        stop = threading.Timer(0.05, probe.app.extensions["hooks"].stopping[0])
        stop.start()
        assert set(events) <= {COMMENT}
        stop.join()
    with opened(client) as events:
        assert list(events) == [COMMENT]


def test_a_stream_is_not_kept_by_anybody_on_the_way(probe):
    answer = probe.open().get("/live/probe", headers=STREAM)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"
    answer.close()


def test_two_addresses_are_two_regions_whatever_their_routes_say(probe):
    client = probe.open()
    paths = ("/live/named/a", "/live/named/b", "/live/named/b?which=1")
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(opened(client, path=path)) for path in paths]
        shown = [first_of(events)["data"] for events in streams]
        assert shown == ["<p>a </p>", "<p>b </p>", "<p>b 1</p>"]
        assert len(probe.live._regions) == 3


def test_two_orders_that_one_person_looks_at_are_not_mixed_up():
    services = FakeShop()
    for order_id in ("a", "b"):
        has_order(services, order_id=order_id)
    client = browser_of(services, "operator")
    with opened(client, path="/live/orders/a") as one, opened(client, path="/live/orders/b") as two:
        assert 'action="/orders/a/cancel' in first_of(one)["data"]
        assert 'action="/orders/b/cancel' in first_of(two)["data"]


def test_people_of_other_roles_do_not_share_a_region(probe):
    client = probe.open()
    other = probe.app.test_client()
    sign_in(other, "manager")
    with opened(client) as one, opened(other) as two:
        first_of(one), first_of(two)
        assert len(probe.live._regions) == 2


def test_a_region_that_is_looked_at_often_says_something_too(probe):
    with opened(probe.open(), path="/live/looks-often") as events:
        first_of(events)
        assert [next(events), next(events)] == [COMMENT, COMMENT]


def test_who_signs_out_is_told_nothing_more_on_any_open_page(probe, monkeypatch):
    client = probe.open()
    monkeypatch.setattr(module, "_SIGNED_OUT_KEPT", 1)
    probe.live.sign_out("of somebody before")
    probe.app.config["WTF_CSRF_ENABLED"] = False
    sign_in(client, "manager")
    stranger = probe.app.test_client()
    sign_in(stranger, "manager")
    client.get("/probe")  # a page, which gives the session its token
    with opened(client) as one, opened(client) as two, opened(stranger) as three:
        first_of(one), first_of(two), first_of(three)
        client.post("/sign-out")
        probe.text = "two"
        probe.changes.tell("orders")
        assert [fields(event)["event"] for event in one] == ["shop:reload"]
        assert [fields(event)["event"] for event in two] == ["shop:reload"]
        assert "<p>two</p>" in next(each for each in three if each != COMMENT)


def test_a_stream_ends_with_the_time_of_its_session(probe):
    client = probe.open()
    until = sign_in(client, "operator", seconds=1)
    with opened(client) as events:
        first_of(events)
        *before, last = events
        assert set(before) <= {COMMENT}
        assert (last, time.time() >= until) == (module.RELOAD, True)


def test_a_stream_ends_after_its_time_and_the_page_comes_back(probe, monkeypatch):
    client = probe.open()
    with opened(client) as events:
        seen = first_of(events)["id"]
        monkeypatch.setattr(module, "STREAM_SECONDS", 0.5)
        assert set(events) <= {COMMENT}
    with opened(client, seen) as events:
        assert [next(events), next(events)] == [COMMENT, COMMENT]


def test_there_is_a_place_for_who_has_signed_in_when_visitors_have_all_others(probe):
    client = probe.open(pizza_web_streams=4)
    olga = probe.app.test_client()
    sign_in(olga, "operator")
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            first_of(stack.enter_context(opened(client)))
        assert numbers(client)["streams"] == 4
        for _ in range(2):
            first_of(stack.enter_context(opened(olga)))
        assert numbers(client)["streams"] == 5


def test_what_cannot_change_takes_no_place(probe):
    client = probe.open()
    with opened(client, path="/live/nothing") as events:
        assert first_of(events)["data"] == "<p>none yet</p>"
        assert numbers(client)["streams"] == 0
        assert numbers(client)["streams_without_place_total"] == 0
        assert next(events, "over") == "over"
