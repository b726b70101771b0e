import pytest

from pizza_common.errors import SidecarUnavailable
from tests.unit.services import an_order


def batch(post, *orders):
    status, answer = post("/start-orders", {"orders": list(orders)})
    assert status == 200
    return answer["results"]


def test_each_order_of_a_batch_has_its_answer_in_order(post, workflows):
    ids = [str(number) for number in range(100)]
    results = batch(post, *(an_order(order_id=order_id) for order_id in ids))
    assert [(each["order_id"], each["status"]) for each in results] == [
        (order_id, "started") for order_id in ids
    ]
    assert set(workflows.instances) == set(ids)


def test_an_order_that_cannot_be_used_stops_no_other(post, workflows):
    bad, good = batch(post, an_order(order_id="1", size="huge"), an_order(order_id="2"))
    assert (bad["order_id"], bad["error"]["status"]) == ("1", 400)
    assert bad["error"]["errors"][0]["field"] == "size"
    assert (good["order_id"], good["status"]) == ("2", "started")


def test_two_orders_under_one_id_are_one_and_a_conflict(post, workflows):
    results = batch(post, an_order(), an_order(size="small"))
    assert sorted("error" in each for each in results) == [False, True]
    assert next(each["error"]["status"] for each in results if "error" in each) == 409
    assert workflows.names() == ["start"]


def test_a_batch_sent_again_answers_as_the_first_time(post, workflows):
    orders = [an_order(order_id="1"), an_order(order_id="2")]
    assert batch(post, *orders) == batch(post, *orders)
    assert workflows.names() == ["start", "start"]


def test_what_cannot_be_started_now_says_so_for_itself(post, workflows):
    workflows.fails = SidecarUnavailable()
    results = batch(post, an_order(order_id="1"), an_order(order_id="2"))
    assert sorted(each.get("error", {}).get("status", 200) for each in results) == [200, 503]


@pytest.mark.parametrize("orders", [[], [{}] * 101, None, "all", [1]])
def test_a_batch_is_one_to_a_hundred_orders(post, orders):
    assert post("/start-orders", {"orders": orders})[0] == 400
