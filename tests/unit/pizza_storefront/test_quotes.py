import pytest

from pizza_common.errors import PeerUnavailable
from tests.unit.services import an_order

ADA = {"name": "Ada Byron", "phone": "555-1815"}
CARD = "loyalty/ada-byron.5551815"
PIZZAS = [
    {"pizza_type": "funghi", "size": "small", "quantity": 2},
    {"pizza_type": "diavola", "size": "medium"},
]


@pytest.fixture
def client(client_of):
    return client_of("pizza-storefront")


def quote(client, **fields):
    return client.post("/quotes", json=fields).get_json()


def test_a_quote_has_the_price_of_each_item_and_of_all(client, sidecar):
    assert quote(client, items=PIZZAS) == {
        "total_cents": 3050,
        "free_cents": 0,
        "to_pay_cents": 3050,
        "currency": "USD",
        "items": [
            {"pizza_type": "funghi", "size": "small", "quantity": 2, "cents": 1800},
            {"pizza_type": "diavola", "size": "medium", "quantity": 1, "cents": 1250},
        ],
    }
    assert not sidecar.calls


def test_a_quote_is_what_the_order_then_costs(client):
    order = an_order()
    taken = client.post("/order", json=order).get_json()
    wanted = {name: order[name] for name in ("pizza_type", "size")}
    assert quote(client, **wanted)["total_cents"] == taken["total_cents"]


def test_the_tenth_order_is_quoted_without_its_cheapest_pizza(client, sidecar):
    sidecar.peers[CARD] = {"customer": "ada-byron.5551815", "delivered": 9, "free_next": True}
    told = quote(client, items=PIZZAS, customer=ADA)
    assert (told["free_cents"], told["to_pay_cents"]) == (900, 2150)
    assert told["loyalty"] == {"delivered": 9, "free_next": True}


def test_a_quote_does_without_loyalty_where_it_does_not_answer(client, sidecar):
    sidecar.fail("invoke", PeerUnavailable("away"))
    told = quote(client, items=PIZZAS, customer=ADA)
    assert told["to_pay_cents"] == 3050
    assert "loyalty" not in told


def test_a_quote_changes_nothing(client, sidecar):
    sidecar.peers[CARD] = {"customer": "ada-byron.5551815", "delivered": 9, "free_next": True}
    quote(client, items=PIZZAS, customer=ADA)
    assert set(sidecar.calls) == {"invoke"}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, "pizza_type"),
        ({"items": []}, "items"),
        (
            {"items": [{"pizza_type": "funghi", "size": "small", "quantity": 21}]},
            "items.0.quantity",
        ),
        ({"items": PIZZAS, "customer": {"name": "Ada"}}, "customer.phone"),
        ({"items": PIZZAS, "discount": 100}, "discount"),
    ],
)
def test_what_cannot_be_quoted_is_refused_by_field(client, fields, wrong):
    answer = client.post("/quotes", json=fields)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.get_json()["errors"]] == [wrong]
