import threading

import pytest

from tests.unit.services import ORDER, an_order

STAGES = [
    "cooking_preparing_ingredients",
    "cooking_making_dough",
    "cooking_adding_toppings",
    "cooking_baking",
    "cooking_quality_check",
    "cooked",
]


@pytest.fixture
def client(client_of):
    return client_of("pizza-kitchen")


def test_a_pizza_goes_through_all_stages(client, sidecar, pace):
    assert client.post("/cook", json=ORDER).get_json() == {**ORDER, "status": "cooked"}
    assert sidecar.statuses == STAGES
    assert pace.waits == [2, 3, 2, 5, 1]
    assert {event.service for event in sidecar.published} == {"pizza-kitchen"}


def test_the_kitchen_makes_an_id_when_there_is_none(client):
    answer = client.post("/cook", json=an_order(order_id=None)).get_json()
    assert len(answer["order_id"]) == 32


def test_cooking_twice_is_cooking_once_and_other_content_a_conflict(client, sidecar):
    first = client.post("/cook", json=ORDER)
    assert client.post("/cook", json=ORDER).get_json() == first.get_json()
    assert client.post("/cook", json=an_order(size="small")).status_code == 409
    assert sidecar.statuses == STAGES


def test_a_remake_is_cooked_anew(client, sidecar):
    for attempt in (1, 2, 2):
        answer = client.post("/cook", json={**ORDER, "attempt": attempt})
        assert answer.get_json() == {**ORDER, "status": "cooked"}
    assert sidecar.statuses == STAGES * 2


def test_an_interrupted_cook_answers_503_and_goes_on_when_asked_again(client, sidecar, pace):
    pace.stop_before_wait = 4
    assert client.post("/cook", json=ORDER).status_code == 503
    assert client.post("/cook", json=ORDER).status_code == 200
    assert pace.waits == [2, 3, 2, 5, 1]
    assert sidecar.statuses == [*STAGES[:4], *STAGES[3:]]


def test_the_same_order_from_twenty_clients_is_cooked_once(client_of, sidecar):
    app, answers = client_of("pizza-kitchen").application, []

    def cook():
        answers.append(app.test_client().post("/cook", json=ORDER).get_json())

    threads = [threading.Thread(target=cook) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [{**ORDER, "status": "cooked"}] * 20
    assert sidecar.statuses == STAGES


def test_a_pizza_is_discarded_once_and_not_cooked_any_more(client, sidecar):
    client.post("/cook", json=ORDER)
    for body in ({}, {"order_id": "123", "reason": "rejected"}, None):
        answer = client.post("/cook/123/discard", json=body)
        assert answer.get_json() == {"order_id": "123", "status": "discarded"}
    assert {event.event_id for event in sidecar.published[6:]} == {"123:pizza_discarded"}
    assert client.post("/cook", json=ORDER).status_code == 409


def test_discarding_what_was_never_cooked_prevents_it_silently(client, sidecar):
    assert client.post("/cook/123/discard").status_code == 200
    assert client.post("/cook", json=ORDER).status_code == 409
    assert sidecar.statuses == []


def test_stopping_interrupts_and_the_end_closes_the_sidecar(client, sidecar):
    hooks = client.application.extensions["hooks"]
    for hook in [*hooks.stopping, *hooks.stopped]:
        hook()
    answer = client.post("/cook", json=ORDER)
    assert (answer.status_code, answer.get_json()["title"]) == (503, "Service is stopping")
    assert sidecar.closed == 1
