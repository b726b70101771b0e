"""The manager, the customer and the operator change an order's course."""

from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.system.shop import TIMELINE, Shop, an_order


def ask(shop: Shop, path: str, order_id: str, **more: Any) -> int:
    return shop.ask("POST", "pizza-workflow", path, {"order_id": order_id, **more}).status


def cold_oven(shop: Shop) -> AbstractContextManager[None]:
    """Inside, no pizza gets on in the kitchen, and each is tried again."""
    return shop.failing("pizza-kitchen", "cook_pizza", 503)


def test_a_paused_order_is_not_delivered_until_resumed_even_when_approved(slow_shop: Shop) -> None:
    order_id = slow_shop.place(an_order())
    slow_shop.wait_for_status(order_id, "cooking_baking")
    assert ask(slow_shop, "/pause-order", order_id) == 200
    slow_shop.wait_for_status(order_id, "cooked")  # a step that was begun is finished
    slow_shop.process.wait(
        lambda: ask(slow_shop, "/validate-pizza", order_id, approved=True) == 200,
        "to have heard from the kitchen",
        60,
    )
    assert slow_shop.status(order_id)["runtime_status"] == "SUSPENDED"
    other = slow_shop.place(an_order())  # its whole way is the time in which nothing happens
    slow_shop.deliver(other)
    assert "validated" not in slow_shop.statuses(order_id)
    assert ask(slow_shop, "/resume-order", order_id) == 200
    assert slow_shop.wait_for_end(order_id)["result"]["status"] == "completed"
    seen = slow_shop.wait_for_statuses(order_id, [*TIMELINE, "paused", "resumed"])
    assert [status for status in seen if status not in ("paused", "resumed")] == TIMELINE
    assert seen.index("cooking_baking") < seen.index("paused") < seen.index("resumed")
    assert seen[seen.index("resumed") + 1] == "waiting_for_validation"


def test_pausing_twice_and_resuming_twice_are_conflicts(shop: Shop) -> None:
    order_id = shop.place(an_order())
    asked = [ask(shop, path, order_id) for path in 2 * ["/pause-order"] + 2 * ["/resume-order"]]
    assert asked == [200, 409, 200, 409]
    assert shop.deliver(order_id)["result"]["status"] == "completed"


def test_an_order_cancelled_while_it_waits_is_undone_and_says_why(shop: Shop) -> None:
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    assert ask(shop, "/cancel-order", order_id, reason="no longer hungry") == 200
    ended = shop.wait_for_end(order_id)
    assert ended["result"] == {
        "order_id": order_id,
        "status": "cancelled",
        "reason": "no longer hungry",
    }
    undone = ["pizza_discarded", "stock_released", "payment_voided", "order_cancelled"]
    statuses = shop.wait_for_statuses(order_id, [*undone, "cancelled"])
    assert statuses[-5:] == [*undone, "cancelled"]
    assert len(set(statuses)) == len(statuses)


def test_an_order_cancelled_while_it_cooks_is_undone(slow_shop: Shop) -> None:
    with cold_oven(slow_shop):
        order_id = slow_shop.place(an_order())
        slow_shop.wait_for_place(order_id, "cooking")
        assert ask(slow_shop, "/cancel-order", order_id) == 200
    ended = slow_shop.wait_for_end(order_id)
    assert ended["result"] == {"order_id": order_id, "status": "cancelled", "reason": None}
    assert "waiting_for_validation" not in slow_shop.wait_for_status(order_id, "cancelled")


def test_a_rejected_order_fails_and_says_that_it_needs_a_remake(shop: Shop) -> None:
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    answer = shop.post("/validate-pizza", {"order_id": order_id, "approved": False})
    assert answer == {"order_id": order_id, "validation_status": "rejected"}
    result = shop.wait_for_end(order_id)["result"]
    assert result["status"] == "failed"
    assert result["error"] == "Pizza validation failed - need to remake"
    assert "delivery_finding_driver" not in shop.wait_for_status(order_id, "failed")


def test_a_pizza_rejected_for_a_remake_is_cooked_again_and_delivered(shop: Shop) -> None:
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    assert ask(shop, "/validate-pizza", order_id, approved=False, remake=True) == 200
    shop.process.wait(
        lambda: shop.statuses(order_id).count("waiting_for_validation") == 2, "to remake", 60
    )
    assert shop.deliver(order_id)["result"]["status"] == "completed"
    statuses = shop.wait_for_statuses(order_id, TIMELINE)
    assert [statuses.count(each) for each in ("cooked", "delivered")] == [2, 1]


def test_a_terminated_order_stops_and_nothing_is_undone(shop: Shop) -> None:
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    assert ask(shop, "/terminate-order", order_id) == 200
    assert shop.status(order_id)["runtime_status"] == "TERMINATED"
    statuses = shop.wait_for_status(order_id, "terminated")
    assert "order_cancelled" not in statuses


PATHS = ("/pause-order", "/resume-order", "/cancel-order", "/terminate-order")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_can_be_asked_of_an_unknown_order(shop: Shop, path: str) -> None:
    assert ask(shop, path, "nobody-knows") == 404


@pytest.mark.parametrize("path", PATHS)
def test_nothing_can_be_asked_of_a_delivered_order(
    shop: Shop, delivered_order: str, path: str
) -> None:
    assert ask(shop, path, delivered_order) == 409


def test_a_delivered_order_is_not_validated_again(shop: Shop, delivered_order: str) -> None:
    answers = [ask(shop, "/validate-pizza", delivered_order, approved=yes) for yes in (False, True)]
    assert answers == [409, 200]  # the approval that it had has the answer that it had


def test_an_order_that_does_not_wait_is_not_validated(slow_shop: Shop) -> None:
    with cold_oven(slow_shop):
        order_id = slow_shop.place(an_order())
        assert ask(slow_shop, "/validate-pizza", order_id, approved=True) == 409
        slow_shop.wait_for_place(order_id, "cooking")
        assert ask(slow_shop, "/validate-pizza", order_id, approved=True) == 409
        assert ask(slow_shop, "/terminate-order", order_id) == 200


@pytest.fixture(scope="module")
def delivered_order(the_fast_shop: Shop) -> str:
    order_id = the_fast_shop.place(an_order())
    the_fast_shop.deliver(order_id)
    return order_id
