import pytest

from pizza_common.errors import PeerUnavailable
from tests.unit.services import an_order


@pytest.fixture
def client(client_of):
    return client_of("pizza-kitchen")


@pytest.fixture
def book(sidecar, monkeypatch):
    """Lets the order book have these orders, the oldest first."""
    asked = []

    def have(*orders):
        def invoke(app_id, path, **_):
            asked.append((app_id, path))
            return {"orders": [*orders], "cursor": None}

        monkeypatch.setattr(sidecar, "invoke", invoke)

    have()
    have.asked = asked
    return have


def listed(order_id="123", status="order_confirmed", attempt=1, **fields):
    times = {"placed_at": "2026-11-01T10:00:00.000Z", "updated_at": "2026-11-01T10:00:05.000Z"}
    order = an_order(order_id=order_id, **fields)
    return {**order, **times, "status": status, "attempt": attempt}


def cook(client, order_id="123", attempt=1):
    order = an_order(order_id=order_id)
    return client.post("/cook", json={**order, "attempt": attempt}).status_code


def pizzas(client):
    return client.get("/pizzas").get_json()["pizzas"]


def cards(client):
    return [(each["column"], each["state"], each["attempt"]) for each in pizzas(client)]


def test_a_card_tells_the_pizza_its_order_and_since_when_it_is_wanted(client, book):
    book(listed())
    assert pizzas(client) == [
        {
            "order_id": "123",
            "pizza": 1,
            "pizza_type": "pepperoni",
            "size": "large",
            "attempt": 1,
            "state": "waiting",
            "stage": None,
            "share": 0.0,
            "since": "2026-11-01T10:00:00.000Z",
            "column": "waiting",
        }
    ]
    assert book.asked[0][0] == "pizza-order"


def test_a_pizza_is_cooking_as_soon_as_the_kitchen_began_whatever_the_book_heard(
    client, book, pace
):
    pace.stop_before_wait = 2
    assert cook(client) == 503
    book(listed(status="stock_reserved"))
    assert cards(client) == [("cooking", "cooking", 1)]
    assert pizzas(client)[0]["stage"] == "cooking_making_dough"


@pytest.mark.parametrize("status", ["cooked", "waiting_for_validation", "rejected"])
def test_cooked_pizzas_wait_for_the_manager(client, book, status):
    cook(client)
    book(listed(status=status))
    assert cards(client) == [("validation", "cooked", 1)]


def test_a_pizza_is_remade_from_the_decision_until_it_waits_again(client, book, pace):
    cook(client)
    book(listed(status="remaking"))
    assert cards(client) == [("remaking", "waiting", 2)]
    pace.stop_before_wait = len(pace.waits) + 2
    assert cook(client, attempt=2) == 503
    book(listed(status="cooking_making_dough", attempt=2))
    assert cards(client) == [("remaking", "cooking", 2)]
    assert cook(client, attempt=2) == 200
    book(listed(status="waiting_for_validation", attempt=2))
    assert cards(client) == [("validation", "cooked", 2)]


def test_what_was_thrown_away_is_not_on_the_board(client, book):
    cook(client)
    client.post("/cook/123/discard")
    book(listed(status="rejected"))
    assert cards(client) == []


def test_the_book_is_asked_for_what_the_kitchen_has_to_do_with(client, book):
    pizzas(client)
    (_, path) = book.asked[0]
    assert "oldest=true" in path
    for status in ("order_confirmed", "cooking_baking", "waiting_for_validation", "remaking"):
        assert f"status={status}" in path
    for status in ("received", "scheduled", "validated", "delivered"):
        assert f"status={status}" not in path


def test_the_oldest_orders_are_first_and_no_more_than_200_pizzas(client, book):
    many = [{"pizza_type": "funghi", "size": "small", "quantity": 20}] * 9
    party = listed("party", pizza_type=None, size=None, items=many)
    book(listed("first"), party, listed("last"))
    answer = client.get("/pizzas").get_json()
    assert (len(answer["pizzas"]), answer["more"]) == (182, False)
    assert (answer["pizzas"][0]["order_id"], answer["pizzas"][-1]["order_id"]) == ("first", "last")
    book(party, listed("second", pizza_type=None, size=None, items=many))
    answer = client.get("/pizzas").get_json()
    assert (len(answer["pizzas"]), answer["more"]) == (200, True)


def test_the_records_of_all_orders_are_read_at_once(client, book, sidecar):
    book(*[listed(str(number)) for number in range(100)])
    assert client.get("/pizzas").get_json()["more"] is True
    assert (sidecar.calls["get_states"], sidecar.calls["get_state"]) == (1, 0)


def test_without_the_order_book_there_is_no_board(client, sidecar):
    sidecar.fail("invoke", PeerUnavailable("pizza-order cannot be reached"))
    assert client.get("/pizzas").status_code == 503
