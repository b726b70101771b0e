from concurrent.futures import ThreadPoolExecutor

import pytest

from pizza_common.errors import SidecarUnavailable
from pizza_common.order_key import order_key
from tests.unit.callers import MODES, SECRET, service
from tests.unit.pizza_workflow.conftest import TERMS
from tests.unit.services import ORDER, an_order

STARTED = {
    "order_id": "123",
    "workflow_instance_id": "pizza-order-123",
    "status": "started",
}


def test_an_order_is_started_with_what_was_sent(post, workflows):
    assert post("/start-order", ORDER) == (200, STARTED)
    terms = TERMS.model_dump()
    assert workflows.calls == [("start", "123", {"order": ORDER, "terms": terms})]


def test_an_order_without_id_gets_one(post, workflows):
    status, answer = post("/start-order", an_order(order_id=None))
    assert status == 200
    assert answer["workflow_instance_id"] == f"pizza-order-{answer['order_id']}"
    assert workflows.instances[answer["order_id"]].order["order_id"] == answer["order_id"]


def test_two_orders_without_id_are_two(post):
    ids = {post("/start-order", an_order(order_id=None))[1]["order_id"] for _ in range(2)}
    assert len(ids) == 2


def test_twenty_who_start_the_same_order_at_once_get_one_workflow_and_one_answer(post, workflows):
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post("/start-order", ORDER), range(20)))
    assert answers == [(200, STARTED)] * 20
    assert workflows.names() == ["start"]


def test_an_order_that_runs_has_the_first_answer_when_it_is_started_again(post, workflows):
    post("/start-order", ORDER)
    assert post("/start-order", ORDER) == (200, STARTED)


def test_the_same_content_in_another_form_is_the_same_order(post, workflows):
    post("/start-order", ORDER)
    items = [{"pizza_type": "pepperoni", "size": "large", "quantity": 1}]
    assert post("/start-order", an_order(pizza_type=None, size=None, items=items))[0] == 200
    assert workflows.names() == ["start"]


def test_other_content_under_the_same_id_is_a_conflict(post, workflows):
    post("/start-order", ORDER)
    status, problem = post("/start-order", an_order(size="small"))
    assert (status, problem["title"]) == (409, "Conflict")
    assert workflows.names() == ["start"]


@pytest.mark.parametrize("runtime_status", ["COMPLETED", "FAILED", "TERMINATED"])
def test_a_finished_order_is_not_started_again(post, workflows, runtime_status):
    post("/start-order", ORDER)
    workflows.put(runtime_status)
    again = {**STARTED, "runtime_status": runtime_status}
    assert post("/start-order", ORDER) == (200, again)
    assert post("/start-order", an_order(size="small"))[0] == 409
    assert workflows.names() == ["start"]


def test_a_purged_order_is_not_started_again(post, workflows):
    post("/start-order", ORDER)
    workflows.instances.clear()
    assert post("/start-order", ORDER) == (200, STARTED)
    assert workflows.names() == ["start"]


def test_a_start_that_failed_half_way_is_finished_by_the_next(post, workflows):
    workflows.fails = SidecarUnavailable()
    assert post("/start-order", ORDER)[0] == 503
    assert post("/start-order", ORDER) == (200, STARTED)
    assert workflows.names() == ["start"]


def test_a_start_whose_mark_was_lost_is_not_repeated(post, workflows, sidecar):
    sidecar.fail("save_state", SidecarUnavailable(), after=1)
    assert post("/start-order", ORDER)[0] == 503
    workflows.put("COMPLETED")
    assert post("/start-order", ORDER) == (200, {**STARTED, "runtime_status": "COMPLETED"})
    assert workflows.names() == ["start"]


def test_an_order_that_was_started_below_http_is_not_started_again(post, workflows):
    workflows.put(input=an_order(order_id=None))
    assert post("/start-order", ORDER) == (200, STARTED)
    assert workflows.calls == []


def test_an_id_under_which_the_engine_was_given_another_order_is_taken(post, workflows):
    workflows.put(input=an_order(size="small"))
    assert [post("/start-order", ORDER)[0] for _ in range(2)] == [409, 409]
    assert workflows.calls == []


def test_a_start_that_was_refused_does_not_take_the_id_from_the_order_of_the_engine(
    post, workflows
):
    small = an_order(size="small")
    workflows.put(input=small)
    assert post("/start-order", ORDER)[0] == 409
    assert post("/start-order", small) == (200, STARTED)
    assert workflows.calls == []


def test_nothing_is_begun_while_the_worker_is_away(post, workflows, worker, sidecar):
    worker.ready = False
    status, problem = post("/start-order", ORDER)
    assert (status, problem["title"]) == (503, "Temporarily unavailable")
    assert workflows.calls == []
    assert sidecar.calls["save_state"] == 0


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"pizza_type": "pineapple"}, "pizza_type"),
        ({"order_id": "no spaces"}, "order_id"),
        ({"tip": 5}, "tip"),
        ({"customer": {"name": "John Doe"}}, "customer.address"),
    ],
)
def test_an_order_that_cannot_be_used_names_the_field(post, workflows, fields, wrong):
    status, problem = post("/start-order", an_order(**fields))
    assert status == 400
    assert wrong in [error["field"] for error in problem["errors"]]
    assert workflows.calls == []


@pytest.mark.parametrize("mode", MODES)
def test_the_customer_gets_the_key_of_the_order_where_callers_are_asked_who_they_are(
    sidecar, workflows, mode
):
    client = service("pizza-workflow", sidecar, workflows, **MODES[mode])
    key = {"key": order_key(SECRET, "123")}
    for _ in range(2):
        assert client.post("/start-order", json=ORDER).get_json() == STARTED | key
    batch = client.post("/start-orders", json={"orders": [ORDER, an_order(size="small")]})
    started, refused = batch.get_json()["results"]
    assert started == STARTED | key
    assert refused["error"]["status"] == 409
    assert "key" not in refused
