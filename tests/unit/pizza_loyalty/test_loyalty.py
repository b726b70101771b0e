import threading
from datetime import UTC, datetime, timedelta

import pytest

from pizza_common.errors import SidecarUnavailable
from pizza_common.event import OrderEvent, moment
from pizza_common.order import Order
from pizza_common.status import Status
from tests.unit.services import ORDER, an_order

JOHN = "john-doe.5550123"


@pytest.fixture
def client(client_of):
    return client_of("pizza-loyalty")


def tell(client, order_id="1", status=Status.DELIVERED, seconds=0, **customer):
    order = Order.model_validate(
        an_order(order_id=order_id, customer={**ORDER["customer"], **customer})
    )
    at = moment(datetime.now(UTC) + timedelta(seconds=seconds))
    event = OrderEvent.announce(order, status, "pizza-delivery", at=at)
    data = event.model_dump(mode="json", exclude_none=True)
    return client.post("/orders-sub", json={"specversion": "1.0", "data": data})


def begin(client, delivered):
    client.post(f"/loyalty/{JOHN}/initialize", json={"delivered": delivered})


def claim(client, order_id):
    answer = client.post(f"/loyalty/{JOHN}/gifts", json={"order_id": order_id})
    return answer.get_json()["free"]


def card(client, customer=JOHN):
    return client.get(f"/loyalty/{customer}").get_json()


def test_a_customer_who_never_ordered_has_an_empty_card(client):
    assert card(client) == {"customer": JOHN, "delivered": 0, "free_next": False}


def test_delivered_orders_count_once_and_nothing_else_does(client):
    for order_id in ("1", "2", "1"):
        for status in (Status.COOKED, Status.DELIVERED, Status.FAILED):
            assert tell(client, order_id, status).get_json() == {"status": "SUCCESS"}
    assert card(client)["delivered"] == 2


def test_the_same_customer_is_known_however_it_is_written(client):
    tell(client, "1", name="  JOHN   doe ", phone="(555) 0123")
    tell(client, "2", address="elsewhere")
    tell(client, "3", name="Jane Doe")
    assert card(client)["delivered"] == 2


def test_every_tenth_order_has_a_free_pizza(client):
    for number in range(9):
        assert card(client)["free_next"] is False
        tell(client, str(number))
    assert card(client)["free_next"] is True
    assert claim(client, "9") is True
    assert card(client)["free_next"] is False
    tell(client, "9")
    assert card(client) == {"customer": JOHN, "delivered": 10, "free_next": False}


def test_of_many_orders_at_once_one_has_the_gift(client):
    begin(client, 9)
    app, found = client.application, []
    threads = [
        threading.Thread(target=lambda n=n: found.append(claim(app.test_client(), str(n))))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False] * 11 + [True]


def test_of_two_replicas_one_gives_the_gift(client, client_of, sidecar):
    begin(client, 9)
    other = client_of("pizza-loyalty")

    def claim_elsewhere(method, key):
        if (method, key) == ("save_state", f"loyalty_{JOHN}"):
            sidecar.before = lambda *_: None
            assert claim(other, "b") is True

    sidecar.before = claim_elsewhere
    assert claim(client, "a") is False


def test_an_order_that_asks_again_has_its_first_answer(client):
    begin(client, 9)
    assert [claim(client, "a") for _ in range(2)] == [True, True]
    tell(client, "a")
    assert claim(client, "a") is True


@pytest.mark.parametrize("ending", [Status.FAILED, Status.CANCELLED, Status.TERMINATED])
def test_an_order_that_ends_otherwise_gives_the_gift_back(client, ending):
    begin(client, 9)
    assert claim(client, "a") is True
    for _ in range(2):
        tell(client, "a", ending)
    assert (claim(client, "a"), claim(client, "b"), claim(client, "c")) == (False, True, False)


def test_a_gift_that_is_given_back_is_not_lost_when_others_were_delivered_meanwhile(client):
    begin(client, 9)
    assert claim(client, "a") is True
    tell(client, "b")
    assert card(client)["free_next"] is False
    tell(client, "a", Status.CANCELLED)
    assert (claim(client, "c"), claim(client, "d")) == (True, False)


def test_a_card_from_before_gifts_were_held_goes_on(client, sidecar):
    content = {"delivered": 18}
    sidecar.save_state(f"loyalty_{JOHN}", {"content": content, "notes": {}})
    sidecar.save_state("loyalty_order_1", {"version": 1, "value": {}})
    tell(client, "1")
    assert (card(client)["delivered"], claim(client, "2")) == (18, False)
    tell(client, "2")
    assert (claim(client, "3"), claim(client, "4")) == (True, False)


def test_a_count_can_be_begun_elsewhere(client):
    for _ in range(2):
        answer = client.post(f"/loyalty/{JOHN}/initialize", json={"delivered": 19})
        assert answer.get_json() == {"customer": JOHN, "delivered": 19, "free_next": True}
    tell(client)
    assert card(client)["delivered"] == 20


@pytest.mark.parametrize("after", range(4))
def test_an_event_that_fails_anywhere_counts_once_when_it_comes_again(client, sidecar, after):
    tell(client, "0")
    sidecar.fail("save_state", SidecarUnavailable(), after=after)
    answers = [tell(client, str(order_id)).status_code for order_id in (1, 1, 2, 2, 1)]
    assert answers.count(503) == 1
    assert card(client)["delivered"] == 3


def test_events_of_one_customer_at_the_same_time_all_count(client):
    app = client.application
    threads = [
        threading.Thread(target=tell, args=(app.test_client(), str(number // 2)))
        for number in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert card(client)["delivered"] == 20


def test_what_cannot_be_understood_is_dropped_or_refused(client):
    dropped = client.post("/orders-sub", json={"specversion": "1.0", "data": {"status": "burnt"}})
    assert dropped.get_json() == {"status": "DROP"}
    assert client.get("/loyalty/a_b").status_code == 400
    assert client.get(f"/loyalty/{'x' * 91}").status_code == 400
    assert client.post(f"/loyalty/{JOHN}/gifts", json={"order_id": "a b"}).status_code == 400
    for body in ({}, {"delivered": -1}, {"delivered": 1, "x": 1}):
        assert client.post(f"/loyalty/{JOHN}/initialize", json=body).status_code == 400


def forget(client, order_id="1"):
    answer = client.delete(f"/records/{order_id}?customer={JOHN}")
    assert answer.get_json() == {"order_id": order_id, "status": "forgotten"}


def test_an_id_that_was_forgotten_counts_anew_and_late_events_of_the_old_order_do_not(
    client, sidecar
):
    tell(client)
    forget(client)
    forget(client)
    tell(client, seconds=-1)
    assert card(client)["delivered"] == 1
    assert sidecar.ttls["loyalty_order_1"] == 30 * 86400
    tell(client, seconds=1)
    tell(client, seconds=1)
    tell(client, seconds=-1)
    sidecar.expire()
    tell(client, seconds=2)
    assert card(client)["delivered"] == 2


def test_a_delivery_that_is_heard_of_after_its_order_was_forgotten_counts_once(client):
    forget(client)
    for _ in range(2):
        tell(client, seconds=-1)
    assert card(client)["delivered"] == 1
    tell(client, seconds=1)
    assert card(client)["delivered"] == 2


def test_a_forgotten_order_gives_its_gift_back_and_the_next_of_its_id_may_claim_it(client):
    begin(client, 9)
    assert claim(client, "1")
    forget(client)
    assert claim(client, "1")
    tell(client, "1", Status.CANCELLED, seconds=-1)
    assert not claim(client, "2")
    tell(client, "1", Status.CANCELLED, seconds=1)
    assert claim(client, "2")


def test_a_delivery_from_before_the_oldest_mark_counts_nothing(client, sidecar):
    tell(client)
    forget(client)
    sidecar.expire()
    tell(client, seconds=-31 * 86400)
    assert card(client)["delivered"] == 1
