import pytest

from tests.unit.metric_values import values
from tests.unit.services import ORDER

REQUESTS = "pizza_http_request_seconds_count"


@pytest.fixture
def client(client_of):
    return client_of("pizza-order")


def test_requests_are_counted_by_method_route_and_status(client):
    client.post("/order", json=ORDER)
    client.get("/order/123")
    client.get("/order/nope")
    counted = values(client, REQUESTS)
    assert counted["POST", "/order", "200"] == 1
    assert counted["GET", "/order/<order_id:order_id>", "200"] == 1
    assert counted["GET", "/order/<order_id:order_id>", "404"] == 1


def test_what_clients_make_up_adds_no_series(client):
    for number in range(50):
        client.get(f"/nowhere/{number}")
        client.open("/order", method=f"VERB{number}")
    counted = values(client, REQUESTS)
    assert counted["none", "none", "404"] == 50
    assert counted["none", "none", "405"] == 50
    assert len(counted) == 2


def test_an_order_id_is_no_label_of_anything(client):
    client.post("/order", json={**ORDER, "order_id": "very-special"})
    client.get("/order/very-special")
    assert "very-special" not in client.get("/metrics").text


def test_each_app_has_numbers_of_its_own(client_of):
    first, second = client_of("pizza-order"), client_of("pizza-order")
    first.get("/order/nope")
    assert values(first, REQUESTS)
    assert not values(second, REQUESTS)
