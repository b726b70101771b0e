"""What the pages read of the services: shared, current, and as their person."""

import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import g

import changes as changes_module
import shop as module
from changes import Changes
from memo import Memo
from person import act_as
from pizza_common.errors import PeerRefused, PeerUnavailable
from pizza_common.event import OrderEvent
from pizza_common.order import Order
from pizza_common.principal import Principal
from pizza_common.status import Status
from shop import Shop
from tests.unit.services import ORDER, app_module
from web_settings import WebSettings

BOOK = "order/123"
OPERATOR = Principal("Olga", frozenset({"operator"}))
CUSTOMER = Principal("", frozenset({"customer"}), "123")


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    monkeypatch.setattr(module, "_PAUSES", (0.01, 0.01, 0.01))


@pytest.fixture
def changes():
    return Changes(Memo())


@pytest.fixture
def shop(sidecar, changes):
    with app_module("pizza-web").create_app(WebSettings(), sidecar).test_request_context():
        act_as(OPERATOR)
        yield Shop(sidecar, changes.memo, changes)


def event_of(status):
    return OrderEvent.announce(Order(**ORDER), status, "pizza-kitchen")


def order_with(*statuses):
    return {"order_id": "123", "timeline": [event_of(status).entry() for status in statuses]}


def statuses(order):
    return [entry["status"] for entry in order["timeline"]]


def test_an_order_is_read_once_per_change(shop, sidecar, changes):
    sidecar.peers[BOOK] = order_with(Status.COOKED)
    for _ in range(5):
        assert shop.order("123") == sidecar.peers[BOOK]
    assert sidecar.calls["invoke"] == 1
    changes.note(event_of(Status.COOKED))
    shop.order("123")
    assert sidecar.calls["invoke"] == 2


def test_an_order_has_what_the_pages_heard_of_it(shop, sidecar, changes):
    """The book hears of an event at the same time, and may be slower."""
    sidecar.peers[BOOK] = order_with(Status.COOKED)
    changes.note(event_of(Status.DELIVERED))

    def book_hears(method, _key):
        if sidecar.calls["invoke"] == 3:
            sidecar.peers[BOOK] = order_with(Status.COOKED, Status.DELIVERED)

    sidecar.before = book_hears
    assert statuses(shop.order("123")) == ["cooked", "delivered"]


def test_a_first_event_may_come_before_the_book_knows_the_order(shop, sidecar, changes):
    changes.note(event_of(Status.VALIDATING))

    def book_hears(method, _key):
        if sidecar.calls["invoke"] == 2:
            sidecar.peers[BOOK] = order_with(Status.VALIDATING)

    sidecar.before = book_hears
    assert statuses(shop.order("123")) == ["validating"]


def test_the_wait_for_the_book_has_an_end(shop, sidecar, changes):
    sidecar.peers[BOOK] = order_with(Status.COOKED)
    changes.note(event_of(Status.DELIVERED))
    assert shop.order("123") == sidecar.peers[BOOK]


def test_an_order_that_nobody_placed_is_asked_for_once(shop, sidecar):
    with pytest.raises(PeerRefused) as caught:
        shop.order("123")
    assert caught.value.status == 404
    assert sidecar.calls["invoke"] == 1


def test_an_order_that_was_forgotten_since_is_asked_for_once(shop, sidecar, changes, monkeypatch):
    changes.note(event_of(Status.DELIVERED))
    monkeypatch.setattr(changes_module, "_HEARD_SECONDS", 0.0)
    with pytest.raises(PeerRefused):
        shop.order("123")
    assert sidecar.calls["invoke"] == 1


def test_people_of_other_roles_get_an_answer_of_their_own(shop, sidecar):
    sidecar.peers["stock"] = {"stock": {}}
    for who in (OPERATOR, CUSTOMER, OPERATOR, CUSTOMER):
        act_as(who)
        shop.get("pizza-kitchen", "stock", "orders")
    assert sidecar.identities == [OPERATOR, CUSTOMER]


def test_what_is_read_is_waited_for_less_than_what_is_done(shop, sidecar, monkeypatch):
    waited = []

    def invoke(app_id, path, *_, method, timeout, **_how):
        waited.append((method, timeout))
        return {"timeline": []}

    monkeypatch.setattr(sidecar, "invoke", invoke)
    shop.get("pizza-kitchen", "stock")
    shop.get("pizza-kitchen", "pizzas", "orders")
    shop.order("123")
    shop.post("pizza-workflow", "pause-order", {})
    read, done = ("GET", module.READ_SECONDS), ("POST", module.ANSWER_SECONDS)
    assert waited == [read, read, read, done]
    assert module.READ_SECONDS < module.ANSWER_SECONDS


def test_without_a_topic_nothing_is_shared(shop, sidecar):
    sidecar.peers["stock"] = {"stock": {}}
    shop.get("pizza-kitchen", "stock")
    shop.get("pizza-kitchen", "stock")
    assert sidecar.calls["invoke"] == 2


def test_few_threads_at_once_wait_for_a_service_that_hangs(sidecar, changes, shop):
    """The others are told so soon; the thread of a stream with a place is its own."""
    waiting, may_end = threading.Semaphore(0), threading.Event()

    def hang(_method, _key):
        waiting.release()
        assert may_end.wait(20)

    sidecar.peers["stock"] = {"stock": {}}
    sidecar.before = hang
    few = Shop(sidecar, changes.memo, changes, threads=16)

    def ask():
        return few.get("pizza-kitchen", "stock")

    with ThreadPoolExecutor(15) as pages:
        asked = [pages.submit(contextvars.copy_context().run, ask) for _ in range(14)]
        assert all(waiting.acquire(timeout=20) for _ in asked)
        with pytest.raises(PeerUnavailable):
            ask()
        g.has_own_thread = True
        asked.append(pages.submit(contextvars.copy_context().run, ask))
        assert waiting.acquire(timeout=20)
        may_end.set()
        assert [each.result() for each in asked] == [{"stock": {}}] * 15
    assert ask() == {"stock": {}}


def test_a_page_is_read_for_a_short_time_only(shop, sidecar, monkeypatch):
    timeouts = []

    def invoke(*_args, timeout, **_more):
        timeouts.append(timeout)
        return {}

    monkeypatch.setattr(sidecar, "invoke", invoke)
    shop.get("pizza-kitchen", "stock")
    shop.get("pizza-kitchen", "stock", "orders")
    shop.order("123")
    shop.post("pizza-workflow", "start-order", {})
    assert timeouts == [3.0, 3.0, 3.0, 10.0]
