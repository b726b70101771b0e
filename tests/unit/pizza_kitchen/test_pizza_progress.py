import pytest

from pizza_common.order import Order
from pizza_common.status import KITCHEN_STAGES
from pizza_progress import progress_of
from tests.unit.services import ORDER, an_order

TWO = an_order(
    pizza_type=None,
    size=None,
    items=[{"pizza_type": "funghi", "size": "small"}, {"pizza_type": "diavola", "size": "large"}],
)


@pytest.fixture
def client(client_of):
    return client_of("pizza-kitchen")


def cook(client, number, attempt=1):
    body = {"order": TWO, "attempt": attempt}
    return client.post(f"/cook/123/pizzas/{number}", json=body).status_code


def pizzas(client):
    return client.get("/cook/123").get_json()["pizzas"]


def states(client):
    return [(each["state"], each["attempt"], each["share"]) for each in pizzas(client)]


def test_of_an_order_that_the_kitchen_never_saw_nothing_is_known(client):
    assert client.get("/cook/123").status_code == 404


def test_a_pizza_waits_from_the_moment_its_ingredients_are_set_aside(client):
    client.post("/stock/reservations", json=TWO)
    funghi = {"pizza": 1, "pizza_type": "funghi", "size": "small", "attempt": 1}
    assert pizzas(client)[0] == {**funghi, "state": "waiting", "stage": None, "share": 0.0}
    assert states(client) == [("waiting", 1, 0.0)] * 2


def test_each_pizza_has_its_own_stage_and_share(client, pace):
    pace.stop_before_wait = 4
    assert cook(client, 1) == 503
    assert states(client) == [("cooking", 1, 0.538), ("waiting", 1, 0.0)]
    assert pizzas(client)[0]["stage"] == "cooking_baking"
    assert cook(client, 1) == 200
    assert states(client) == [("cooked", 1, 1.0), ("waiting", 1, 0.0)]


def test_in_a_remake_the_others_wait_again(client):
    cook(client, 1)
    cook(client, 2)
    cook(client, 1, attempt=2)
    assert states(client) == [("cooked", 2, 1.0), ("waiting", 2, 0.0)]


def test_an_order_cooked_as_a_whole_has_all_its_pizzas_cooked(client):
    client.post("/cook", json=TWO)
    assert states(client) == [("cooked", 1, 1.0)] * 2


def test_what_was_thrown_away_is_discarded(client):
    client.post("/cook", json=ORDER)
    client.post("/cook/123/discard")
    assert states(client) == [("discarded", 1, 0.0)]


def test_a_pizza_whose_last_stage_is_over_is_in_it_until_it_is_told_to_be_cooked():
    record = {"attempt": 1, "finished": len(KITCHEN_STAGES)}
    (pizza,) = progress_of(Order.model_validate(ORDER), record)
    assert (pizza.state, pizza.stage) == ("cooking", KITCHEN_STAGES[-1].status)


def test_what_was_undone_up_to_an_attempt_is_discarded_and_the_next_is_not():
    order = Order.model_validate(ORDER)
    made = {"attempt": 2, "finished": 1}
    told = [progress_of(order, made | {"undone": upto})[0].state for upto in (1, 2)]
    assert told == ["cooking", "discarded"]
