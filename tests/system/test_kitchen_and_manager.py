"""What the kitchen's board, the list of what waits, and the last decisions tell of one order."""

from typing import Any

from tests.system.shop import Shop, an_order
from tests.system.test_decisions import cold_oven

Json = dict[str, Any]

REMAKE = {"approved": False, "remake": True, "reason": "burnt", "approver": "Ann", "round": 1}


def two_pizzas() -> Json:
    items = [{"pizza_type": name, "size": "small"} for name in ("funghi", "diavola")]
    order = an_order(items=items)
    return {name: order[name] for name in ("order_id", "items", "customer")}


def cards(shop: Shop, order_id: str) -> list[tuple[str, str, int]]:
    found = shop.get("pizza-kitchen", "/pizzas")["pizzas"]
    own = [each for each in found if each["order_id"] == order_id]
    return [(each["column"], each["state"], each["attempt"]) for each in own]


def waiting(shop: Shop, order_id: str) -> list[Json]:
    found = shop.get("pizza-workflow", "/approvals")["approvals"]
    return [each for each in found if each["order_id"] == order_id]


def decisions(shop: Shop, order_id: str) -> list[Json]:
    found = shop.get("pizza-order", "/decisions?limit=100")["decisions"]
    return [each for each in found if each["order_id"] == order_id]


def decide(shop: Shop, order_id: str, **said: Any) -> tuple[int, str]:
    asked = {"order_id": order_id, **said}
    answer = shop.ask("POST", "pizza-workflow", "/validate-pizza", asked)
    return answer.status, answer.body.get("detail", "")


def test_a_remade_order_is_seen_by_the_kitchen_and_decided_once_a_round(slow_shop: Shop) -> None:
    order_id, wait = slow_shop.place(two_pizzas()), slow_shop.process.wait
    wait(lambda: bool(waiting(slow_shop, order_id)), "to wait for a manager", 60)
    assert waiting(slow_shop, order_id)[0]["round"] == 1

    with cold_oven(slow_shop):
        assert decide(slow_shop, order_id, **REMAKE)[0] == 200
        again = [("remaking", "waiting", 2)] * 2
        wait(lambda: cards(slow_shop, order_id) == again, "to make it again", 60)
    status, detail = decide(slow_shop, order_id, approved=True, approver="Bob", round=1)
    assert (status, "rejected, to be made again by Ann (burnt)" in detail) == (409, True)
    wait(lambda: bool(waiting(slow_shop, order_id)), "to wait for a manager again", 60)
    (second,) = waiting(slow_shop, order_id)
    assert (second["round"], second["remakes_left"], second["customer"]) == (
        2,
        1,
        {"name": "John Doe"},
    )
    assert second["waiting_since"] < second["reminder_at"] < second["cancelled_at"]
    wait(lambda: cards(slow_shop, order_id) == [("validation", "cooked", 2)] * 2, "to be told", 60)

    assert decide(slow_shop, order_id, approved=True, approver="Bob", round=2)[0] == 200
    assert waiting(slow_shop, order_id) == []
    slow_shop.wait_for_end(order_id)
    told = [(each["round"], each["by"], each["reason"]) for each in decisions(slow_shop, order_id)]
    assert told == [(2, "Bob", None), (1, "Ann", "burnt")]
    assert decisions(slow_shop, order_id)[1]["remake"] is True
    assert cards(slow_shop, order_id) == []


def test_a_paused_order_waits_for_its_manager_without_a_deadline(shop: Shop) -> None:
    order_id = shop.place(an_order())
    shop.wait_for_place(order_id, "waiting_for_validation")
    for path, paused in (("/pause-order", True), ("/resume-order", False)):
        assert shop.ask("POST", "pizza-workflow", path, {"order_id": order_id}).status == 200
        shop.process.wait(
            lambda paused=paused: [each["paused"] for each in waiting(shop, order_id)] == [paused],
            f"to be told of {path}",
            60,
        )
        assert (waiting(shop, order_id)[0]["cancelled_at"] is None) == paused
    shop.deliver(order_id)
