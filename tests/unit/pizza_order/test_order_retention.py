from datetime import UTC, datetime, timedelta

import pytest

from pizza_common.errors import EtagMismatch
from pizza_common.event import OrderEvent, moment
from pizza_common.order import Order
from pizza_common.status import Status
from tests.unit.services import an_order

DAYS = 2


@pytest.fixture
def client(client_of):
    return client_of("pizza-order", pizza_retention_days=DAYS)


@pytest.fixture
def order(client, sidecar):
    """Enters orders that stand so since some days."""

    def enter(order_id, status, days):
        at = moment(datetime.now(UTC) - timedelta(days=days))
        order = Order.model_validate(an_order(order_id=order_id))
        client.post("/order", json=order.sent())
        event = OrderEvent.announce(order, Status(status), "test", at=at)
        data = event.model_dump(mode="json", exclude_none=True)
        client.post("/orders-sub", json={"specversion": "1.0", "data": data})
        known, etag = sidecar.get_state(f"order_{order_id}")
        sidecar.save_state(f"order_{order_id}", {**known, "since": at}, etag)

    return enter


def due(client):
    answer = client.post("/orders/due")
    assert answer.status_code == 200
    return answer.get_json()


def forget_all(client):
    """What the monitor does in a round."""
    rounds = 0
    while (found := due(client))["more"] or found["due"]:
        for order_id in found["due"]:
            client.delete(f"/records/{order_id}")
        rounds += 1
        assert rounds < 20
    return rounds


def test_orders_of_which_nothing_was_said_for_so_long_are_due(client, order):
    order("old", "delivered", DAYS + 1)
    order("stopped", "failed", DAYS + 1)
    order("young", "delivered", DAYS - 1)
    assert due(client) == {"due": ["old", "stopped"], "more": False}


def test_a_shop_that_keeps_all_for_ever_has_none(client_of, order, sidecar):
    order("old", "delivered", 1000)
    keeping = client_of("pizza-order", pizza_retention_days=0)
    assert due(keeping) == {"due": [], "more": False}


def test_pages_of_forgotten_orders_are_dropped_and_the_others_are_still_listed(
    client, order, sidecar
):
    for number in range(250):
        order(f"o-{number}", "delivered", DAYS + 1 if number < 230 else 0)
    forget_all(client)
    forget_all(client)
    assert sidecar.get_state("orders_index")[0] == {"page": 2, "first": 2}
    assert [key for key in sidecar.stored() if key.startswith("orders_index_")] == [
        "orders_index_2"
    ]
    listed = client.get("/orders?limit=100").get_json()["orders"]
    assert [each["order_id"] for each in listed] == [f"o-{n}" for n in reversed(range(230, 250))]


def test_orders_that_cannot_be_forgotten_yet_do_not_hold_up_those_behind_them(client, order):
    for number in range(101):
        order(f"o-{number}", "scheduled", DAYS + 1)
    first, second = due(client), due(client)
    assert (len(first["due"]), first["more"]) == (100, True)
    assert second == {"due": ["o-100"], "more": False}
    assert due(client) == first


def test_one_request_looks_at_a_few_pages_only(client, order, sidecar):
    for number in range(710):
        order(f"o-{number}", "delivered", DAYS + 1)
        client.delete(f"/records/o-{number}")
    reads = sidecar.calls["get_states"]
    assert due(client) == {"due": [], "more": True}
    assert sidecar.calls["get_states"] - reads == 5


def test_a_page_that_another_replica_drops_at_the_same_time_is_dropped_once(client, order, sidecar):
    for number in range(101):
        order(f"o-{number}", "delivered", DAYS + 1)
    forget_all(client)
    sidecar.fail("save_state", EtagMismatch(), times=2)
    due(client)
    due(client)
    assert sidecar.get_state("orders_index")[0] == {"page": 1, "first": 1}
