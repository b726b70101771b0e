import threading

import pytest

from tests.unit.services import an_order

THREE = an_order(
    pizza_type=None,
    size=None,
    items=[
        {"pizza_type": "pepperoni", "size": "large", "quantity": 2},
        {"pizza_type": "funghi", "size": "small"},
    ],
)
STAGES = [
    "cooking_preparing_ingredients",
    "cooking_making_dough",
    "cooking_adding_toppings",
    "cooking_baking",
    "cooking_quality_check",
]


@pytest.fixture
def client(client_of):
    return client_of("pizza-kitchen")


def cook(client, number, attempt=1, order=THREE, order_id="123"):
    body = {"order": order, "pizza": number, "attempt": attempt}
    return client.post(f"/cook/{order_id}/pizzas/{number}", json=body)


def test_one_pizza_of_an_order_is_cooked_and_named(client):
    assert cook(client, 3).get_json() == {
        "order_id": "123",
        "pizza": 3,
        "pizza_type": "funghi",
        "size": "small",
        "attempt": 1,
        "status": "cooked",
    }


def test_each_stage_is_announced_once_for_all_pizzas_and_the_end_is_left_to_who_joins(
    client, sidecar, pace
):
    for number in (1, 2, 3, 1):
        assert cook(client, number).status_code == 200
    assert sidecar.statuses == STAGES
    assert pace.waits == [2, 3, 2, 5, 1] * 3


def test_pizzas_of_one_order_are_cooked_side_by_side(client, sidecar):
    app, answers = client.application, []

    def cook_one(number):
        answers.append(cook(app.test_client(), number).status_code)

    threads = [threading.Thread(target=cook_one, args=(n,)) for n in (1, 2, 3) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 12
    record, _ = sidecar.get_state("cook_123")
    assert {part["finished"] for part in record["parts"].values()} == {5}


def test_a_pizza_that_was_interrupted_goes_on_and_leaves_the_others_alone(client, pace):
    cook(client, 1)
    pace.stop_before_wait = 8
    assert cook(client, 2).status_code == 503
    assert cook(client, 2).status_code == 200
    assert pace.waits == [2, 3, 2, 5, 1] * 2


def test_a_pizza_that_the_order_has_not_is_not_found(client, sidecar):
    assert cook(client, 4).status_code == cook(client, 0).status_code == 404
    assert not sidecar.calls["save_state"]


def test_ids_that_contradict_the_path_are_refused(client):
    assert cook(client, 1, order_id="other").get_json()["errors"][0]["field"] == "order_id"
    body = {"order": THREE, "pizza": 2}
    assert client.post("/cook/123/pizzas/1", json=body).get_json()["errors"][0]["field"] == "pizza"


def test_discarding_covers_all_pizzas_of_the_attempt(client, sidecar):
    cook(client, 1)
    client.post("/cook/123/discard", json={"attempt": 1})
    assert sidecar.published[-1].event_id == "123:pizza_discarded"
    assert [cook(client, number).status_code for number in (1, 2, 3)] == [409] * 3
    assert cook(client, 1, attempt=2).status_code == 200


def test_discarding_stops_the_pizza_that_is_in_the_oven(client, sidecar):
    def discard_at_baking(method, key):
        if (method, key) == ("publish", "123:cooking_baking"):
            sidecar.before = lambda *_: None
            client.application.test_client().post("/cook/123/discard", json={})

    sidecar.before = discard_at_baking
    assert cook(client, 1).get_json()["title"] == "Already undone"
    assert sidecar.statuses[-2:] == ["pizza_discarded", "cooking_baking"]
