import pytest
from structlog.testing import capture_logs

from pizza_common.errors import EtagMismatch
from pizza_common.event import OrderEvent
from pizza_common.order import Order
from pizza_common.status import Status
from tests.unit.metric_values import values
from tests.unit.services import ORDER, an_order

STATES = "pizza_order_states_total"
ENTERED, LEFT = "pizza_order_entered_total", "pizza_order_left_total"


@pytest.fixture
def client(client_of):
    return client_of("pizza-order")


def tell(client, status, **more):
    event = OrderEvent.announce(Order.model_validate(an_order()), Status(status), "test", **more)
    data = event.model_dump(mode="json", exclude_none=True)
    answer = client.post("/orders-sub", json={"specversion": "1.0", "id": "1", "data": data})
    assert answer.get_json() == {"status": "SUCCESS"}


def told(client, *statuses):
    """The lines that these events make: status, previous, and whether later ones were known."""
    with capture_logs() as lines:
        for status in statuses:
            tell(client, status)
    assert {line["order_id"] for line in lines} <= {"123"}
    return [(line["status"], line["previous"], line["late"]) for line in lines]


def test_each_state_is_a_line_that_names_the_one_before(client):
    with capture_logs() as lines:
        client.post("/order", json=ORDER)
        client.post("/order", json=ORDER)
    assert [(line["status"], line["previous"]) for line in lines] == [("received", None)]
    assert told(client, "validating", "processing") == [
        ("validating", "received", False),
        ("processing", "validating", False),
    ]


def test_an_event_that_comes_again_is_told_and_counted_once(client):
    assert len(told(client, "validating", "validating", "cooked", "validating")) == 2
    assert values(client, STATES) == {("validating",): 1, ("cooked",): 1}


def test_an_event_that_comes_late_is_told_with_its_place(client):
    assert told(client, "cooked", "confirmed", "validating") == [
        ("cooked", None, False),
        ("confirmed", None, True),
        ("validating", None, True),
    ]
    assert values(client, ENTERED) == {("cooked",): 1}
    assert values(client, LEFT) == {("none",): 1}


def test_a_write_that_has_to_be_tried_again_is_told_once(client, sidecar, monkeypatch):
    tell(client, "validating")
    save, refused = sidecar.save_state, []

    def save_at_the_second_try(key, value, etag="", ttl=None):
        if key == "order_123" and not refused:
            refused.append(key)
            raise EtagMismatch
        save(key, value, etag, ttl)

    monkeypatch.setattr(sidecar, "save_state", save_at_the_second_try)
    assert len(told(client, "processing")) == 1
    assert refused
    assert values(client, STATES)["processing",] == 1


def test_a_reminder_is_counted_and_moves_no_order(client):
    told(client, "waiting_for_validation", "validation_reminder")
    tell(client, "validation_reminder", repeat=2)
    assert values(client, STATES)["validation_reminder",] == 2
    assert values(client, ENTERED) == {("waiting_for_validation",): 1}


def test_orders_in_a_state_are_those_that_entered_it_less_those_that_left_it(client):
    told(client, "validating", "processing", "cooked", "confirmed", "delivered")
    assert values(client, ENTERED).keys() - values(client, LEFT).keys() == {("delivered",)}
    client.delete("/records/123")
    entered, left = values(client, ENTERED), values(client, LEFT)
    assert entered.keys() - left.keys() == {("deleted",)}
    assert left.keys() - entered.keys() == {("none",)}
    assert set(entered.values()) == set(left.values()) == {1}


def test_the_numbers_are_there_before_anything_happens(client):
    page = client.get("/metrics").text
    for name in (STATES, ENTERED, LEFT):
        assert all(f'{name}{{status="{status}"}} 0.0' in page for status in Status)
