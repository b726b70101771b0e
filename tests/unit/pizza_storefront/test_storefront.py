import pytest

from pizza_common.order import PIZZA_TYPES, SIZES
from tests.unit.services import ORDER, an_order


@pytest.fixture
def client(client_of):
    return client_of("pizza-storefront")


def prices(client):
    pizzas = client.get("/menu").get_json()["pizzas"]
    return {pizza["pizza_type"]: pizza["prices"] for pizza in pizzas}


def test_everything_that_can_be_ordered_is_on_the_menu_with_a_price(client):
    menu = prices(client)
    assert set(menu) == set(PIZZA_TYPES)
    for by_size in menu.values():
        cents = [by_size[size] for size in SIZES]
        assert 0 < cents[0] < cents[1] < cents[2]


def test_an_order_is_taken_in_stages_and_confirmed(client, sidecar, pace):
    answer = client.post("/order", json=ORDER).get_json()
    total = prices(client)["pepperoni"]["large"]
    assert answer == {**ORDER, "status": "confirmed", "total_cents": total}
    assert sidecar.statuses == ["validating", "processing", "confirmed"]
    assert pace.waits == [1, 2, 1]


def test_the_total_counts_every_pizza(client):
    items = [
        {"pizza_type": "funghi", "size": "small", "quantity": 3},
        {"pizza_type": "diavola", "size": "medium"},
    ]
    order = an_order(pizza_type=None, size=None, items=items)
    answer = client.post("/order", json=order).get_json()
    menu = prices(client)
    assert answer["total_cents"] == 3 * menu["funghi"]["small"] + menu["diavola"]["medium"]
    assert answer["items"] == items


def test_an_order_is_taken_once(client, sidecar):
    first, second = (client.post("/order", json=ORDER).get_json() for _ in range(2))
    assert first == second
    assert len(sidecar.published) == 3


def test_a_cancelled_order_is_told_and_not_taken_any_more(client, sidecar):
    client.post("/order", json=ORDER)
    answer = client.post("/orders/123/cancel", json={"reason": "too late"})
    assert answer.get_json() == {"order_id": "123", "status": "cancelled"}
    assert sidecar.published[-1].event_id == "123:order_cancelled"
    assert sidecar.published[-1].detail == "too late"
    assert client.post("/order", json=ORDER).status_code == 409


def test_cancelling_what_was_never_taken_tells_nothing(client, sidecar):
    assert client.post("/orders/123/cancel").status_code == 200
    assert sidecar.statuses == []
