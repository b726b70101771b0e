from datetime import UTC, datetime, timedelta

import pytest

import order_counts
from order_counts import by_hour, by_status
from pizza_common.event import OrderEvent, moment
from pizza_common.order import Order
from pizza_common.status import Status
from tests.unit.services import an_order

NOW = datetime(2026, 5, 4, 12, 34, tzinfo=UTC)


@pytest.fixture
def client(client_of):
    return client_of("pizza-order")


def tell(client, order_id, status, **more):
    order = Order.model_validate(an_order(order_id=order_id))
    event = OrderEvent.announce(order, Status(status), "pizza-test", **more)
    data = event.model_dump(mode="json", exclude_none=True)
    client.post("/orders-sub", json={"specversion": "1.0", "data": data})


def counts(client):
    return client.get("/orders/counts").get_json()


def a_document(status, hours_ago=0.0):
    timeline = [{"status": status, "at": moment(NOW), "service": "x"}]
    return {"timeline": timeline, "since": moment(NOW - timedelta(hours=hours_ago))}


def test_orders_are_counted_by_status_and_by_what_needs_a_person(client):
    tell(client, "a", "cooked")
    tell(client, "b", "delivered")
    tell(client, "c", "failed")
    tell(client, "c", "needs_attention", detail="refund_payment: no")
    found = counts(client)
    assert found["by_status"] == {"cooked": 1, "delivered": 1, "failed": 1}
    assert (found["orders"], found["unfinished"], found["needs_attention"]) == (3, 1, 1)
    assert (found["whole"], found["complete_since"]) == (True, None)
    assert found["hours"][-1]["from"][:13] in (moment()[:13], found["counted_at"][:13])


def test_a_count_says_when_there_may_be_more_unfinished_orders(client, monkeypatch):
    monkeypatch.setattr(order_counts, "_OPEN", 2)
    for order_id in ("a", "b"):
        tell(client, order_id, "cooked")
    assert counts(client)["unfinished_whole"] is False


def test_an_old_unfinished_order_is_counted_however_many_came_after_it(client, sidecar):
    for number in range(1050):
        client.post("/order", json=an_order(order_id=f"n{number}"))
        if number:
            tell(client, f"n{number}", "delivered")
    reads = sidecar.calls["get_states"] + sidecar.calls["get_state"]
    found = counts(client)
    assert found["by_status"] == {"received": 1, "delivered": 1000}
    assert (found["whole"], found["unfinished_whole"]) == (False, True)
    assert found["complete_since"] <= moment()
    assert sidecar.calls["get_states"] + sidecar.calls["get_state"] - reads < 30
    counts(client)
    assert sidecar.calls["get_states"] + sidecar.calls["get_state"] - reads < 30, "asked twice"


def test_orders_count_in_the_hour_in_which_they_were_placed():
    orders = [a_document("delivered"), a_document("failed", 1), a_document("cooked", 1)]
    orders.append(a_document("cancelled", 1))
    hours = by_hour([*orders, a_document("delivered", 30)], None, NOW, hours=3)
    assert [hour["from"][11:16] for hour in hours] == ["10:00", "11:00", "12:00"]
    assert [hour["placed"] for hour in hours] == [0, 3, 1]
    assert hours[1] == {
        "from": "2026-05-04T11:00:00.000Z",
        "placed": 3,
        "delivered": 0,
        "stopped": 2,
        "unfinished": 1,
        "complete": True,
    }


def test_hours_to_which_the_count_does_not_reach_back_say_so():
    hours = by_hour([], moment(NOW - timedelta(hours=1)), NOW, hours=3)
    assert [hour["complete"] for hour in hours] == [False, False, True]


def test_statuses_come_in_the_order_of_an_orders_life():
    found = by_status([a_document("delivered"), a_document("cooked"), a_document("cooked")])
    assert list(found.items()) == [("cooked", 2), ("delivered", 1)]
