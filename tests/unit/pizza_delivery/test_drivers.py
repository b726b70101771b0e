import threading

import pytest

from pizza_common.errors import PeerUnavailable
from tests.unit.services import an_order


@pytest.fixture
def client(client_of):
    return client_of("pizza-delivery", pizza_drivers=2, pizza_driver_wait_seconds=0)


def deliver(client, order_id="123"):
    return client.post("/deliver", json=an_order(order_id=order_id))


def busy(client):
    rows = client.get("/drivers").get_json()["drivers"]
    return {row["order_id"]: row["driver"] for row in rows if row["order_id"]}


def interrupt(client, pace, order_id, wait=1):
    """Leave a delivery in the midst of its way."""
    pace.stop_before_wait = len(pace.waits) + wait
    assert deliver(client, order_id).status_code == 503


def test_every_driver_is_listed_under_a_name_of_their_own(client_of):
    rows = client_of("pizza-delivery").get("/drivers").get_json()["drivers"]
    assert len({row["driver"] for row in rows}) == len(rows) == 50
    assert {row["order_id"] for row in rows} == {None}


def test_a_driver_is_busy_with_an_order_until_it_is_delivered(client, pace):
    interrupt(client, pace, "123", wait=3)
    driver = busy(client)["123"]
    assert deliver(client).get_json()["driver"] == driver
    assert busy(client) == {}
    assert deliver(client).get_json()["driver"] == driver


def test_a_recall_frees_the_driver(client, pace):
    interrupt(client, pace, "123")
    client.post("/deliver/123/recall")
    assert busy(client) == {}


def test_without_a_free_driver_an_order_waits_which_is_no_failure(client, pace, sidecar):
    interrupt(client, pace, "a")
    interrupt(client, pace, "b")
    for _ in range(2):
        answer = deliver(client)
        assert (answer.status_code, answer.get_json()["status"]) == (202, "waiting_for_driver")
    assert sidecar.statuses.count("waiting_for_driver") == 1
    assert deliver(client, "a").status_code == 200
    assert deliver(client).status_code == 200


def test_an_order_waits_for_a_driver_who_comes_back(client_of, pace):
    client = client_of("pizza-delivery", pizza_drivers=1, pizza_driver_wait_seconds=60)
    interrupt(client, pace, "a")
    answers = []
    waiting = threading.Thread(
        target=lambda: answers.append(deliver(client.application.test_client()).status_code)
    )
    waiting.start()
    assert deliver(client, "a").status_code == 200
    waiting.join(30)
    assert answers == [200]


def test_a_recall_in_the_midst_leaves_no_driver_behind(client, client_of, sidecar):
    other = client_of("pizza-delivery")

    def recall_before_assigning(method, key):
        if (method, key) == ("save_state", "drivers"):
            sidecar.before = lambda *_: None
            other.post("/deliver/123/recall")

    sidecar.before = recall_before_assigning
    assert deliver(client).status_code == 409
    assert busy(client) == {}


def test_drivers_of_orders_that_are_over_are_freed_when_none_is_left(client, sidecar):
    for order_id in ("a", "b"):
        assert deliver(client, order_id).status_code == 200
    _, etag = sidecar.get_state("drivers")
    sidecar.save_state("drivers", {"busy": {"a": "Ada", "b": "Ben"}}, etag)
    assert deliver(client).status_code == 200
    assert busy(client) == {}


@pytest.mark.parametrize("ending", ["terminated", "failed", "cancelled"])
def test_a_driver_whose_order_ended_without_a_recall_is_freed_when_none_is_left(
    client, pace, sidecar, ending
):
    interrupt(client, pace, "a")
    interrupt(client, pace, "b")
    sidecar.peers["order/a"] = {"order_id": "a", "status": ending}
    sidecar.peers["order/b"] = {"order_id": "b", "status": "delivery_finding_driver"}
    assert deliver(client).status_code == 200
    assert list(busy(client)) == ["b"]
    assert deliver(client, "a").status_code == 409, "its driver has another order now"


def test_without_the_order_book_nobody_is_taken_off_the_road(client, pace, sidecar):
    interrupt(client, pace, "a")
    interrupt(client, pace, "b")
    sidecar.fail("invoke", PeerUnavailable(), times=9)
    assert deliver(client).status_code == 202
    assert sorted(busy(client)) == ["a", "b"]


def test_many_orders_at_once_never_share_a_driver(client_of, sidecar):
    shared = []

    def check(method, key):
        if key == "drivers":
            value, _ = fetch("drivers")
            drivers = list((value or {"busy": {}})["busy"].values())
            shared.extend(drivers if len(set(drivers)) < len(drivers) else [])

    app = client_of("pizza-delivery", pizza_drivers=3, pizza_driver_wait_seconds=60).application
    fetch, sidecar.after = sidecar.get_state, check
    answers = []
    threads = [
        threading.Thread(
            target=lambda n=n: answers.append(deliver(app.test_client(), f"n{n}").status_code)
        )
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (answers, shared) == ([200] * 20, [])
