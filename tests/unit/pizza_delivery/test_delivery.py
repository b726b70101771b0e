import pytest

from tests.unit.services import ORDER, an_order


@pytest.fixture
def client(client_of):
    return client_of("pizza-delivery")


def test_an_order_is_driven_through_all_stages(client, sidecar, pace):
    answer = client.post("/deliver", json=ORDER).get_json()
    assert answer == {**ORDER, "status": "delivered", "driver": answer["driver"]}
    assert sidecar.statuses == [
        "delivery_finding_driver",
        "delivery_driver_assigned",
        "delivery_picked_up",
        "delivery_on_the_way",
        "delivery_arriving",
        "delivery_at_location",
        "delivered",
    ]
    assert pace.waits == [2, 1, 2, 5, 2, 1]


def test_an_order_always_has_the_same_driver(client):
    first, second = (client.post("/deliver", json=ORDER).get_json() for _ in range(2))
    assert first == second


def test_orders_are_spread_over_the_drivers(client):
    answers = (client.post("/deliver", json=an_order(order_id=str(n))) for n in range(20))
    assert len({answer.get_json()["driver"] for answer in answers}) > 3


def test_a_recalled_order_is_not_delivered_any_more(client, sidecar):
    answer = client.post("/deliver/123/recall", json={})
    assert answer.get_json() == {"order_id": "123", "status": "recalled"}
    assert client.post("/deliver", json=ORDER).status_code == 409
    assert sidecar.statuses == []


def test_recalling_a_delivery_that_began_is_told(client, sidecar):
    client.post("/deliver", json=ORDER)
    client.post("/deliver/123/recall", json={"reason": "wrong address"})
    assert sidecar.published[-1].event_id == "123:delivery_recalled"
    assert sidecar.published[-1].detail == "wrong address"
