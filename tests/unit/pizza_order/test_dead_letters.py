import pytest
from structlog.testing import capture_logs

import dead_letters
from pizza_common.errors import SidecarUnavailable
from pizza_common.event import OrderEvent
from pizza_common.order import Order
from pizza_common.status import Status
from tests.unit.metric_values import values
from tests.unit.services import ORDER, an_order


@pytest.fixture
def client(client_of):
    return client_of("pizza-order")


def an_event(order=ORDER, status="cooked"):
    event = OrderEvent.announce(Order.model_validate(order), Status(status), "pizza-kitchen")
    data = event.model_dump(mode="json", exclude_none=True)
    return {"specversion": "1.0", "id": event.event_id, "topic": "orders", "data": data}


def bury(client, event):
    """Deliver a dead letter, and give its id."""
    answer = client.post("/dead-letters-sub", json=event)
    assert answer.get_json() == {"status": "SUCCESS"}
    return listed(client)[0]["id"]


def listed(client, limit=100):
    return client.get(f"/dead-letters?limit={limit}").get_json()["dead_letters"]


def test_the_newest_come_first_and_say_what_is_known(client):
    bury(client, an_event())
    bury(client, an_event(status="delivered"))
    assert [letter["status"] for letter in listed(client)] == ["delivered", "cooked"]
    (newest,) = listed(client, limit=1)
    assert (newest["order_id"], newest["service"]) == ("123", "pizza-kitchen")
    assert newest["event_id"] == "123:delivered"
    assert newest["publishable"]
    whole = client.get(f"/dead-letters/{newest['id']}").get_json()
    assert whole["event"]["data"]["order"] == ORDER


def test_an_event_that_comes_again_is_one_letter_at_the_top(client):
    first = bury(client, an_event())
    bury(client, an_event(status="delivered"))
    assert bury(client, an_event()) == first
    assert [letter["times"] for letter in listed(client)] == [2, 1]


def test_it_is_published_under_its_own_id_and_struck_out(client, sidecar):
    letter_id = bury(client, an_event())
    answer = client.post(f"/dead-letters/{letter_id}/publish")
    assert answer.get_json() == {"id": letter_id, "status": "published"}
    assert [event.event_id for event in sidecar.published] == ["123:cooked"]
    assert listed(client) == []
    assert client.post(f"/dead-letters/{letter_id}/publish").status_code == 404


def test_a_crash_before_it_is_struck_out_leaves_it(client, sidecar):
    letter_id = bury(client, an_event())
    sidecar.fail("delete_state", SidecarUnavailable())
    assert client.post(f"/dead-letters/{letter_id}/publish").status_code == 503
    assert [letter["id"] for letter in listed(client)] == [letter_id]
    assert client.post(f"/dead-letters/{letter_id}/publish").status_code == 200
    assert listed(client) == []


def test_one_that_dies_again_while_it_is_published_is_there_once(client, sidecar):
    letter_id = bury(client, an_event())

    def before(method, _key):
        if method == "publish":
            bury(client, an_event())

    sidecar.before = before
    assert client.post(f"/dead-letters/{letter_id}/publish").status_code == 200
    assert [(letter["id"], letter["times"]) for letter in listed(client)] == [(letter_id, 2)]


@pytest.mark.parametrize(
    "event",
    [
        {"specversion": "1.0", "id": "7", "data": {"order_id": "123"}},
        {"id": "7", "data": "hello"},
        {"id": 7, "data_base64": "aGVsbG8="},
        {},
    ],
)
def test_what_is_no_order_event_is_kept_and_cannot_be_published(client, sidecar, event):
    letter_id = bury(client, event)
    (letter,) = listed(client)
    assert letter["order_id"] is None
    assert letter["reason"].startswith("it is no order event: ")
    answer = client.post(f"/dead-letters/{letter_id}/publish")
    assert answer.status_code == 409
    assert "it is no order event" in answer.get_json()["detail"]
    assert sidecar.published == []
    assert len(listed(client)) == 1


def test_a_letter_is_deleted_once(client, sidecar):
    letter_id = bury(client, an_event())
    assert client.delete(f"/dead-letters/{letter_id}").get_json()["status"] == "deleted"
    assert client.delete(f"/dead-letters/{letter_id}").status_code == 404
    assert client.get(f"/dead-letters/{letter_id}").status_code == 404
    assert sidecar.stored() == ["dead_letters"]


def test_when_there_are_too_many_the_oldest_go(client, sidecar, monkeypatch):
    monkeypatch.setattr(dead_letters, "LIMIT", 3)
    for number in range(5):
        bury(client, an_event(an_order(order_id=str(number))))
    assert [letter["order_id"] for letter in listed(client)] == ["4", "3", "2"]
    assert sum(key.startswith("dead_letter_") for key in sidecar.stored()) == 3


def test_letters_expire_in_the_store_and_in_the_list(client, sidecar):
    bury(client, an_event())
    assert set(sidecar.ttls.values()) == {30 * 86400}
    sidecar.expire()
    assert listed(client) == []


def test_what_cannot_be_kept_is_asked_for_again(client, sidecar):
    sidecar.fail("save_state", SidecarUnavailable())
    assert client.post("/dead-letters-sub", json=an_event()).status_code == 503
    bury(client, an_event())
    assert len(listed(client)) == 1


def test_each_is_a_warning_in_the_log_and_counted(client):
    with capture_logs() as lines:
        bury(client, an_event())
        bury(client, {})
    told = [line for line in lines if line["event"] == "dead letter"]
    assert [line["order_id"] for line in told] == ["123", None]
    assert {line["log_level"] for line in told} == {"warning"}
    assert values(client, "pizza_order_dead_letters_total") == {("true",): 1, ("false",): 1}


@pytest.mark.parametrize("path", ["/dead-letters/x", "/dead-letters?limit=0", "/dead-letters?a=1"])
def test_a_wrong_question_is_refused(client, path):
    assert client.get(path).status_code == 400
