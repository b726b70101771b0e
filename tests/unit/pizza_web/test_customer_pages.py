"""The customers' pages, with the services in memory."""

import contextlib
import re

import pytest

import customer_pages
from changes import topic_of
from my_orders import KEPT
from pizza_common.errors import PeerRefused, PeerUnavailable
from tests.unit.pizza_web.conftest import STREAM
from tests.unit.pizza_web.customer_shop import (
    BROUGHT,
    ORDER,
    QUOTE,
    STEPS,
    has_order,
    is_cancelling,
    place,
)
from tests.unit.pizza_web.fake_shop import browser_of, first_event, first_fragment, text


def test_the_order_page_shows_how_far_it_is_and_asks_as_its_customer(client, services):
    has_order(services)
    page = client.get(place(client)).text
    assert "Estimated at 12:00:30 UTC" in text(page)
    assert page.count("<progress") == len(STEPS) + 2
    assert "In the oven" in text(page)
    assert "$28.00, set aside" in text(page)
    assert "Money set aside $28.00" in text(page)
    assert all(who.order_id == "o-1" for who in services.identities[-3:])
    assert all(who.roles == {"customer"} for who in services.identities[-3:])


@pytest.mark.parametrize("key", ["", "o-1", "o-1.AAAA", "o-2.x" * 20])
def test_without_the_key_there_is_no_such_order(services, client, key):
    has_order(services)
    services.asked.clear()
    for path in ("/orders/o-1", "/live/orders/o-1", "/"):
        answer = client.get(path, query_string={"again": "o-1", "key": key})
        assert answer.status_code == 404
    assert client.post(f"/orders/o-1/cancel?key={key}").status_code == 404
    assert services.asked == []


def test_the_key_of_one_order_opens_no_other(client, services):
    has_order(services)
    has_order(services, order_id="o-2")
    key = place(client).partition("key=")[2]
    assert client.get(f"/orders/o-2?key={key}").status_code == 404


def test_who_works_in_the_shop_sees_an_order_without_being_given_its_key(services):
    has_order(services)
    page = browser_of(services, "kitchen").get("/orders/o-1").text
    assert "key=" not in page
    assert "can be cancelled by its customer" in text(page)
    assert services.identities[-1].roles == {"kitchen"}


def test_an_order_that_the_book_has_not_heard_of_is_shown_as_received(
    client, services, monkeypatch
):
    monkeypatch.setattr(customer_pages, "_FIRST_SECONDS", 0)
    status = {"runtime_status": "RUNNING", "cancellable": True, "why_not": None}
    services.have("GET", "pizza-workflow/get-status/o-1", status)
    page = client.get(place(client)).text
    assert "Received" in text(page)
    assert page.count("<progress") == 5


def test_right_after_ordering_the_first_event_is_waited_for(client, services, monkeypatch):
    changes, answer = client.application.extensions["changes"], services.invoke
    status = {"runtime_status": "RUNNING", "cancellable": True, "why_not": None}
    services.have("GET", "pizza-workflow/get-status/o-1", status)
    location = place(client)

    def answer_before_the_event(app_id, path, *args, **more):
        found = answer(app_id, path, *args, **more)
        has_order(services)
        changes.tell(topic_of("o-1"))
        return found

    monkeypatch.setattr(services, "invoke", answer_before_the_event)
    assert "In the oven" in text(client.get(location))


def test_an_order_that_nobody_knows_any_more_is_not_found(client):
    assert client.get(place(client)).status_code == 404


def test_each_pizza_has_its_own_progress(client, services):
    has_order(services)
    location = place(client)
    assert "Funghi, large Waiting Funghi, large Waiting" in text(client.get(location))
    pizza = {"pizza_type": "funghi", "size": "large", "attempt": 2, "state": "cooking"}
    pizzas = [
        {**pizza, "pizza": 1, "stage": "cooking_baking", "share": 0.5},
        {**pizza, "pizza": 2, "stage": None, "state": "waiting", "share": 0},
    ]
    services.have("GET", "pizza-kitchen/cook/o-1", {"order_id": "o-1", "pizzas": pizzas})
    client.application.extensions["changes"].tell(topic_of("o-1"))
    assert "Funghi, large In the oven Funghi, large Waiting" in text(client.get(location))


def test_a_single_pizza_is_asked_for_nothing_more(client, services):
    has_order(services, {**ORDER, "items": [{**ORDER["items"][0], "quantity": 1}]})
    client.get(place(client))
    assert not any("pizza-kitchen" in path for _, path, _ in services.asked)


def test_the_page_does_without_what_does_not_answer(client, services):
    has_order(services)
    services.have("GET", "pizza-storefront/payments/o-1", PeerUnavailable("away"))
    services.have("GET", "pizza-kitchen/cook/o-1", PeerUnavailable("away"))
    assert "the money is not known at this moment" in text(client.get(place(client)))


def test_an_order_that_ended_before_it_was_paid_took_nothing(client, services):
    has_order(services, {**ORDER, "status": "cancelled"}, is_over=True, estimated_at=None)
    del services.answers["GET", "pizza-storefront/payments/o-1"]
    assert "Nothing was taken" in text(client.get(place(client)))


@pytest.mark.parametrize(
    ("waits_for", "words"),
    [
        ("manager", "As soon as the manager has approved it, it takes about 20 s."),
        ("driver", "As soon as a driver is free"),
        ("operator", "The shop holds it at the moment"),
        ("its_time", "Ordered for 2026-01-01 12:00 UTC"),
    ],
)
def test_the_page_says_what_the_order_waits_for(client, services, waits_for, words):
    has_order(services, waits_for=waits_for)
    assert words in text(client.get(place(client)))


def test_a_cancel_is_asked_for_with_its_reason(client, services):
    has_order(services)
    services.have("POST", "pizza-workflow/cancel-order", {"status": "cancelled"})
    is_cancelling(services)
    key, told = place(client).partition("?")[2], []
    with client.application.extensions["changes"].watched(
        (topic_of("o-1"),), lambda: told.append(1)
    ):
        answer = client.post(f"/orders/o-1/cancel?{key}", data={"reason": " too late "})
    assert told, "the pages of this order show it"
    assert (answer.status_code, answer.location) == (303, f"/orders/o-1?{key}")
    asked = {"order_id": "o-1", "reason": "too late"}
    assert services.sent("POST")[-1] == ("pizza-workflow/cancel-order", asked)
    assert services.identities[-1].order_id == "o-1"
    assert "The shop was asked" not in text(client.get(answer.location))


def test_an_order_that_is_being_cancelled_does_not_seem_to_go_on(client, services):
    has_order(services)
    is_cancelling(services)
    said = text(client.get(place(client)))
    assert "Being cancelled" in said
    assert "$28.00, set aside; it is set free" in said
    assert "It is being cancelled; what was begun is undone after this step." in said
    assert not re.search("Estimated|usually|taken when", said)


def test_an_order_that_is_over_is_not_being_cancelled_whatever_its_workflow_said_last(
    client, services
):
    has_order(services, {**ORDER, "status": "cancelled"}, is_over=True, estimated_at=None)
    is_cancelling(services)
    assert "Being cancelled" not in text(client.get(place(client)))


def test_a_cancel_that_the_workflow_does_not_show_yet_is_said_once(client, services, monkeypatch):
    monkeypatch.setattr(customer_pages, "_STOP_PAUSES", (0,))
    has_order(services)
    services.have("POST", "pizza-workflow/cancel-order", {"status": "cancelled"})
    answer = client.post(f"/orders/o-1/cancel?{place(client).partition('?')[2]}")
    assert "The shop was asked to cancel the order." in text(client.get(answer.location))


def test_the_page_says_where_the_order_goes_and_who_brought_it(client, services):
    has_order(services)
    location = place(client)
    assert "Where it goes Ada Byron 12 Square 555-1815" in text(client.get(location))
    delivered = {**ORDER["timeline"][0], "status": "delivered"}
    order = {**ORDER, "status": "delivered", "timeline": [*ORDER["timeline"], delivered]}
    has_order(services, order, is_over=True, estimated_at=None)
    status = services.answers["GET", "pizza-workflow/get-status/o-1"]
    services.have("GET", "pizza-workflow/get-status/o-1", {**status, "result": BROUGHT})
    client.application.extensions["changes"].tell(topic_of("o-1"))
    assert "brought by Chiara" in text(client.get(location))


def test_a_cancel_that_comes_too_late_says_why(client, services):
    has_order(services)
    late = PeerRefused("pizza-workflow: Order o-1 is on its way; it cannot be cancelled.", 409)
    services.have("POST", "pizza-workflow/cancel-order", late)
    key = place(client).partition("?")[2]
    answer = client.post(f"/orders/o-1/cancel?{key}")
    assert "Order o-1 is on its way; it cannot be cancelled." in text(client.get(answer.location))


def test_a_cancel_that_is_not_answered_may_have_been_done(client, services):
    has_order(services)
    services.have("POST", "pizza-workflow/cancel-order", PeerUnavailable("no answer in time"))
    key = place(client).partition("?")[2]
    answer = client.post(f"/orders/o-1/cancel?{key}")
    assert "did not answer" in text(client.get(answer.location))


def test_where_it_cannot_be_cancelled_the_page_says_why_not(client, services):
    has_order(services)
    why = "Order o-1 is on its way; it cannot be cancelled."
    status = {"runtime_status": "RUNNING", "cancellable": False, "why_not": why}
    services.have("GET", "pizza-workflow/get-status/o-1", status)
    page = client.get(place(client)).text
    assert "It is on its way; it cannot be cancelled." in text(page)
    assert "/cancel" not in page


def is_delivered(services, free_cents):
    has_order(services, {**ORDER, "status": "delivered"}, is_over=True, estimated_at=None)
    paid = {"status": "captured", "captured_cents": 1400, "free_cents": free_cents}
    services.have("GET", "pizza-storefront/payments/o-1", paid)
    earned = QUOTE | {"loyalty": {"delivered": 9, "free_next": True}}
    services.have("POST", "pizza-storefront/quotes", earned)


def test_the_free_pizza_is_shown_where_it_was_used(client, services):
    is_delivered(services, free_cents=1400)
    assert "a present for your loyalty: $14.00 less" in text(client.get(place(client)))


def test_the_free_pizza_is_shown_where_it_was_earned(client, services):
    is_delivered(services, free_cents=0)
    assert "You had 9 orders: your next one has a free pizza." in text(client.get(place(client)))


def has_ended(services, *entries):
    """Called off, with these at the end of its timeline."""
    failed = {**ORDER, "status": "failed", "timeline": [*ORDER["timeline"], *entries]}
    has_order(services, failed, is_over=True, estimated_at=None, seconds_left=None)


def test_how_and_why_an_order_ended_is_said_first(client, services):
    ending = {
        "status": "failed",
        "at": "2026-01-01T12:01:00.000Z",
        "service": "pizza-workflow",
        "detail": "Pizza validation failed - need to remake",
    }
    has_ended(services, ending)
    said = text(client.get(place(client)))
    assert "Called off by the shop 2026-01-01 12:01 UTC : The manager did not approve it" in said
    assert "Called off by the shop The manager did not approve it" in said


def test_who_cancelled_sees_that_also_where_the_shop_has_to_look_into_it(client, services):
    at = {"at": "2026-01-01T12:01:00.000Z", "service": "pizza-workflow"}
    error = "refund_payment: pizza-storefront: An operator asked for this at refund_payment."
    notice = {**at, "status": "needs_attention", "detail": error}
    has_ended(services, notice, {**at, "status": "failed", "detail": "cancelled", "by": "customer"})
    said = text(client.get(place(client)))
    assert "Cancelled 2026-01-01 12:01 UTC" in said
    assert "Cancelled by the customer" in said
    assert "The shop looks into it" in said
    assert "$28.00, set aside; the shop sees to it that it is free again" in said
    assert not re.search("refund_payment|pizza-storefront|Failed|Called off", said)


def test_the_same_again_fills_the_form(client, services):
    has_order(services)
    key = place(client).partition("key=")[2]
    page = client.get("/", query_string={"again": "o-1", "key": key}).text
    assert 'name="quantity" value="2"' in page
    assert 'value="Ada Byron"' in page


def test_a_live_region_sends_what_the_page_has(client, services):
    has_order(services)
    location = place(client)
    sent = first_event(client, f"/live{location}")
    assert text(sent) in text(client.get(location))


def test_two_orders_that_one_person_looks_at_are_two_regions(services):
    has_order(services)
    has_order(services, ORDER | {"status": "waiting_for_validation"}, order_id="o-2")
    operator = browser_of(services, "operator")
    with contextlib.ExitStack() as streams:
        shown = []
        for order_id in ("o-1", "o-2"):
            stream = operator.get(f"/live/orders/{order_id}", headers=STREAM)
            streams.callback(stream.close)
            shown.append(first_fragment(stream))
    assert ["In the oven" in each for each in shown] == [True, False]
    assert ["Waits for the manager" in each for each in shown] == [False, True]


def test_the_list_shows_the_orders_of_this_browser_newest_first(client, services):
    for order_id in ("o-1", "o-2"):
        has_order(services, order_id=order_id)
        place(client, order_id=order_id)
    assert re.findall(r'id="order-(o-\d)"', client.get("/orders").text) == ["o-2", "o-1"]
    assert "ordered nothing yet" in text(browser_of(services).get("/orders"))


def test_the_orders_of_a_browser_have_room_in_its_cookie(client, services):
    for number in range(KEPT + 2):
        has_order(services, order_id=f"o-{number}")
        place(client, order_id=f"o-{number}")
    listed = re.findall(r'id="order-(o-\d+)"', client.get("/orders").text)
    assert (len(listed), listed[0], listed[-1]) == (KEPT, f"o-{KEPT + 1}", "o-2")


def test_who_works_in_the_shop_stays_who_they_are_while_their_own_orders_are_read(services):
    has_order(services)
    manager = browser_of(services, "manager")
    place(manager)
    page = manager.get("/orders").text
    assert 'id="order-o-1"' in page
    assert 'href="/manager"' in page


def test_an_order_that_is_forgotten_is_not_listed_any_more(client, services):
    place(client)
    assert "ordered nothing yet" in text(client.get("/orders"))


@pytest.mark.parametrize("again", ["../orders", "..", "o-1/progress", "%2e%2e", "x" * 49])
def test_what_is_no_order_is_not_asked_for_again(services, again):
    answer = browser_of(services, "operator").get("/", query_string={"again": again})
    assert answer.status_code == 200
    assert {path for path, _ in services.sent("GET")} == {"pizza-storefront/menu"}
