"""Many at once: orders, and askers of one order."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tests.system.shop import TIMELINE, Shop, an_order

T = TypeVar("T")
FEW = 5


def all_at_once(
    work: Callable[[T], Any], things: Iterable[T], threads: int | None = None
) -> list[Any]:
    """Each in a thread of its own, or with fewer where the asking would keep the shop busy."""
    things = list(things)
    with ThreadPoolExecutor(threads or len(things)) as pool:
        return list(pool.map(work, things))


def test_a_hundred_orders_at_once_are_all_delivered_none_lost_none_doubled(shop: Shop) -> None:
    ids = all_at_once(shop.place, [an_order() for _ in range(100)])
    assert len(set(ids)) == 100
    all_at_once(lambda each: shop.wait_for_place(each, "waiting_for_validation"), ids, FEW)
    all_at_once(shop.approve, ids)
    ends = all_at_once(shop.wait_for_end, ids, FEW)
    assert [end["result"]["status"] for end in ends] == ["completed"] * 100
    timelines = [shop.wait_for_statuses(order_id, TIMELINE) for order_id in ids]
    assert timelines == [TIMELINE] * 100
    assert set(ids) <= shop.all_orders()


def test_one_order_started_20_times_at_once_is_one_order_with_equal_answers(shop: Shop) -> None:
    order = an_order()
    answers = all_at_once(shop.start, [order] * 20)
    assert answers == [answers[0]] * 20
    shop.deliver(order["order_id"])
    assert shop.wait_for_statuses(order["order_id"], TIMELINE) == TIMELINE


def test_a_finished_order_started_again_answers_as_the_first_time_and_that_it_is_over(
    shop: Shop,
) -> None:
    order = an_order()
    first = shop.start(order)
    shop.deliver(order["order_id"])
    assert shop.start(order) == {**first, "runtime_status": "COMPLETED"}
    assert shop.status(order["order_id"])["runtime_status"] == "COMPLETED"


def test_another_order_under_the_same_id_is_a_conflict(shop: Shop) -> None:
    order = an_order()
    shop.start(order)
    answer = shop.ask("POST", "pizza-workflow", "/start-order", {**order, "size": "small"})
    assert (answer.status, answer.media_type) == (409, "application/problem+json")
    assert shop.deliver(order["order_id"])["result"]["delivery_result"]["size"] == "large"


def test_of_20_decisions_at_once_one_counts(shop: Shop) -> None:
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")

    def decide(number: int) -> int:
        body = {"order_id": order_id, "approved": True, "approver": f"manager {number}"}
        return shop.ask("POST", "pizza-workflow", "/validate-pizza", body).status

    assert sorted(all_at_once(decide, range(20))) == [200] + [409] * 19
    shop.wait_for_end(order_id)
    assert shop.wait_for_statuses(order_id, TIMELINE) == TIMELINE
