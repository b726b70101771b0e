import contextlib
import threading

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from larder import Larder
from pizza_common.announcer import Announcer
from pizza_common.errors import Conflict
from pizza_common.order import PIZZA_TYPES, Order
from recipes import INGREDIENTS
from stock import Restock
from tests.unit.fake_sidecar import FakeSidecar
from tests.unit.services import ORDER, an_order

NEEDS = {"dough": 1, "sauce": 3, "cheese": 3, "pepperoni": 3}
TWO = an_order(
    pizza_type=None,
    size=None,
    items=[
        {"pizza_type": "pepperoni", "size": "large"},
        {"pizza_type": "funghi", "size": "small", "quantity": 2},
    ],
)


@pytest.fixture
def client(client_of):
    return client_of("pizza-kitchen", pizza_stock=10)


def level(client, name="dough"):
    found = client.get("/stock").get_json()["stock"][name]
    return found["available"], found["reserved"], found["used"], found["bought"]


def reserve(client, order=ORDER):
    return client.post("/stock/reservations", json=order)


def release(client, order_id="123"):
    return client.delete(f"/stock/reservations/{order_id}")


def cook(client, number=1, attempt=1, order=ORDER):
    body = {"order": order, "pizza": number, "attempt": attempt}
    return client.post(f"/cook/123/pizzas/{number}", json=body)


def test_every_pizza_has_a_recipe_of_known_ingredients(client):
    for name in PIZZA_TYPES:
        order = an_order(order_id=name, pizza_type=name, size="small")
        assert reserve(client, order).get_json()["ingredients"].keys() <= set(INGREDIENTS)


def test_what_an_order_needs_is_set_aside_once(client, sidecar):
    for _ in range(2):
        answer = reserve(client).get_json()
        assert answer == {"order_id": "123", "status": "reserved", "ingredients": NEEDS}
    assert (level(client), level(client, "cheese")) == ((9, 1, 0, 10), (7, 3, 0, 10))
    assert {event.event_id for event in sidecar.published} == {"123:stock_reserved"}
    assert reserve(client, an_order(size="small")).status_code == 409


def test_what_is_missing_is_named_and_nothing_is_set_aside(client):
    client.put("/stock/pepperoni", json={"available": 2})
    answer = reserve(client)
    assert (answer.status_code, answer.get_json()["title"]) == (409, "Out of stock")
    assert "pepperoni (3 needed, 2 left)" in answer.get_json()["detail"]
    assert level(client) == (10, 0, 0, 10)
    client.put("/stock/pepperoni", json={"add": 1})
    assert reserve(client).status_code == 200


def test_what_was_not_used_is_given_back_and_stays_given_back(client, sidecar):
    reserve(client)
    for _ in range(2):
        assert release(client).get_json() == {"order_id": "123", "status": "released"}
    assert level(client) == (10, 0, 0, 10)
    assert sidecar.statuses[-1] == "stock_released"
    assert reserve(client).status_code == cook(client).status_code == 409


def test_a_release_that_comes_first_prevents_and_tells_nothing(client, sidecar):
    assert release(client).status_code == 200
    assert reserve(client).status_code == 409
    assert sidecar.statuses == []


def test_cooking_uses_what_was_set_aside_once(client):
    reserve(client, TWO)
    for _ in range(2):
        assert cook(client, 1, order=TWO).status_code == 200
    assert level(client) == (7, 2, 1, 10)
    found = client.get("/stock/reservations/123").get_json()
    assert found["ingredients"] == {"dough": 2, "sauce": 2, "cheese": 2, "mushrooms": 2}
    assert found["used"] == NEEDS


def test_what_was_cooked_is_written_off_and_the_rest_given_back(client):
    reserve(client, TWO)
    cook(client, 3, order=TWO)
    release(client)
    assert level(client) == (9, 0, 1, 10)
    assert cook(client, 1, order=TWO).status_code == 409


def test_a_remake_takes_more_from_the_stock_while_there_is_some(client):
    reserve(client)
    cook(client)
    assert cook(client, attempt=2).status_code == 200
    assert level(client) == (8, 0, 2, 10)
    client.put("/stock/dough", json={"available": 0})
    assert cook(client, attempt=2).status_code == 200, "it is cooked already"
    answer = cook(client, attempt=3)
    assert (answer.status_code, answer.get_json()["title"]) == (409, "Out of stock")


def test_an_order_cooked_without_a_reservation_uses_the_stock(client):
    client.post("/cook", json={**TWO, "attempt": 1})
    assert level(client) == (7, 0, 3, 10)
    assert client.get("/stock/reservations/123").get_json()["status"] == "none"
    assert client.get("/stock/reservations/nope").status_code == 404


def test_buying_with_a_key_counts_once_and_without_one_each_time(client):
    for headers in ({"Idempotency-Key": "a"}, {"Idempotency-Key": "a"}, {}, {}):
        assert client.put("/stock/dough", json={"add": 5}, headers=headers).status_code == 200
    assert level(client) == (25, 0, 0, 25)


def test_a_key_that_another_ingredient_had_is_a_conflict_and_buys_nothing(client):
    headers = {"Idempotency-Key": "a"}
    client.put("/stock/basil", json={"add": 5}, headers=headers)
    answer = client.put("/stock/ham", json={"add": 5}, headers=headers)
    assert (answer.status_code, answer.mimetype) == (409, "application/problem+json")
    assert "basil" in answer.get_json()["detail"]
    assert level(client, "ham") == (10, 0, 0, 10)
    client.put("/stock/dough", json={"add": 5})
    assert client.put("/stock/ham", json={"add": 5}).status_code == 200, "no key, nothing used"


@pytest.mark.parametrize("body", [{}, {"add": 1, "available": 2}, {"add": -1}, {"add": None}])
def test_a_purchase_that_makes_no_sense_is_refused(client, body):
    assert client.put("/stock/dough", json=body).status_code == 400
    assert client.put("/stock/plutonium", json={"add": 1}).status_code == 404


def test_fifty_orders_for_the_last_ten_doughs_are_exactly_ten(client_of):
    rows = {"pizza_stock": 1000}
    kitchens = [client_of("pizza-kitchen", **rows).application for _ in range(2)]
    kitchens[0].test_client().put("/stock/dough", json={"available": 10})
    answers = []

    def order(number):
        client = kitchens[number % 2].test_client()
        answer = reserve(client, an_order(order_id=str(number)))
        while answer.status_code == 503:  # written by the other kitchen, too often
            answer = reserve(client, an_order(order_id=str(number)))
        answers.append(answer.status_code)

    threads = [threading.Thread(target=order, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * 10 + [409] * 40
    assert level(kitchens[1].test_client()) == (0, 10, 0, 10)


class Crash(BaseException):
    """The process ends here."""


PIZZAS = Order.model_validate(TWO)
DEEDS = st.one_of(
    st.tuples(st.just("reserve")),
    st.tuples(st.just("use"), st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.just("release")),
    st.tuples(st.just("restock"), st.integers(0, 9)),
)
CRASHES = st.just((0, "")) | st.tuples(st.integers(1, 8), st.sampled_from(["before", "after"]))


def do(larder, order_id, deed, *numbers):
    order = PIZZAS.model_copy(update={"order_id": order_id})
    if deed == "reserve":
        larder.reserve(order)
    elif deed == "use":
        larder.use(order, [numbers[0]], numbers[1])
    elif deed == "release":
        larder.release(order_id)
    else:
        larder.restock("dough", Restock(available=numbers[0]), None)


def assert_balanced(sidecar):
    document, _ = sidecar.get_state("stock")
    for name, found in document["content"].items():
        spoken_for = found["available"] + found["reserved"] + found["used"]
        assert spoken_for == found["bought"], name
        assert min(found.values()) >= 0, name


@hypothesis.settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from("ab"), DEEDS, CRASHES), max_size=15))
def test_the_stock_balances_at_every_moment_wherever_the_kitchen_dies(plan):
    sidecar = FakeSidecar()
    for order_id, deed, (call, when) in plan:
        calls = {"n": 0}

        def before(method, key, calls=calls, call=call, when=when):
            calls["n"] += 1
            if (calls["n"], "before") == (call, when):
                raise Crash

        def after(method, key, calls=calls, call=call, when=when):
            sidecar.before = lambda *_: None
            assert_balanced(sidecar)
            sidecar.before = before
            if (calls["n"], "after") == (call, when):
                raise Crash

        sidecar.before, sidecar.after = before, after
        with contextlib.suppress(Crash, Conflict):
            do(Larder(sidecar, Announcer(sidecar, "test"), 6), order_id, *deed)
    sidecar.before = sidecar.after = lambda *_: None
    larder = Larder(sidecar, Announcer(sidecar, "test"), 6)
    for order_id in "ab":
        larder.release(order_id)
    assert all(found["reserved"] == 0 for found in larder.levels().values())


def test_a_forgotten_order_gives_back_what_is_reserved_and_what_it_used_stays_used(client, sidecar):
    reserve(client, TWO)
    client.post("/cook/123/pizzas/1", json={"order": TWO})
    assert client.delete("/records/123").status_code == 200
    assert level(client) == (9, 0, 1, 10)
    assert client.get("/stock/reservations/123").status_code == 404
    sidecar.expire()
    assert "reservation_123" not in sidecar.stored()
    assert "cook_123" not in sidecar.stored()


def test_an_id_that_was_forgotten_reserves_and_cooks_anew(client, sidecar):
    for lives in (1, 2, 3):
        assert reserve(client).status_code == 200
        client.post("/cook/123/pizzas/1", json={"order": ORDER})
        assert level(client) == (10 - lives, 0, lives, 10)
        told = sidecar.statuses.count("cooking_baking")
        assert told == lives
        client.delete("/records/123")
        if lives == 2:
            sidecar.expire()


def test_a_key_is_known_as_long_as_orders_are(client, sidecar):
    for _ in range(2):
        client.put("/stock/dough", json={"add": 1}, headers={"Idempotency-Key": "monday"})
    assert level(client)[3] == 11
    assert sidecar.ttls["restock_monday"] == 30 * 86400


def test_what_is_left_of_little_is_low(client_of):
    client = client_of("pizza-kitchen", pizza_stock=10, pizza_stock_low=10)
    assert client.get("/stock").get_json()["stock"]["dough"]["low"] is False
    answer = client.put("/stock/dough", json={"available": 9}).get_json()
    assert answer["stock"]["dough"]["low"] is True


def changes(client, *fields):
    found = client.get("/stock/changes").get_json()["changes"]
    return [tuple(each[field] for field in fields) for each in found]


def test_purchases_and_corrections_are_noted_the_latest_first(client):
    client.put("/stock/ham", json={"add": 5}, headers={"Idempotency-Key": "k"})
    client.put("/stock/ham", json={"available": 3, "reason": "dropped"})
    told = changes(client, "ingredient", "action", "units", "available", "reason")
    assert told == [("ham", "corrected", -12, 3, "dropped"), ("ham", "bought", 5, 15, None)]
    assert changes(client, "idempotency_key") == [(None,), ("k",)]


def test_a_repeated_or_refused_purchase_is_not_noted_again(client):
    assert changes(client, "units") == []
    for name in ("ham", "ham", "basil", "sawdust"):
        client.put(f"/stock/{name}", json={"add": 5}, headers={"Idempotency-Key": "k"})
    client.put("/stock/ham", json={"add": -1})
    assert changes(client, "ingredient") == [("ham",)]


def test_the_last_hundred_changes_are_kept(client):
    for number in range(101):
        client.put("/stock/ham", json={"available": number})
    assert changes(client, "available") == [(number,) for number in range(100, 0, -1)]
