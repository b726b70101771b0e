"""What GET /history shows of an order, from the engine's own history."""

from typing import Any

from tests.system.shop import Shop, an_order


def history(shop: Shop, order_id: str, child: str = "") -> dict[str, dict[str, Any]]:
    query = f"?child={child}" if child else ""
    found = shop.get("pizza-workflow", f"/history/{order_id}{query}")
    return {step["name"]: step for step in found["steps"]}


def test_the_history_of_an_order_has_its_tries_its_wait_and_its_children(slow_shop: Shop) -> None:
    slow_shop.arm("pizza-workflow", "confirm_order", times=2, status=500)
    order_id = slow_shop.place(an_order())
    slow_shop.wait_for_place(order_id, "waiting_for_validation")
    slow_shop.ask("POST", "pizza-workflow", "/pause-order", {"order_id": order_id})
    assert history(slow_shop, order_id)["paused"]["state"] == "running"
    slow_shop.ask("POST", "pizza-workflow", "/resume-order", {"order_id": order_id})
    slow_shop.deliver(order_id)
    steps = history(slow_shop, order_id)
    assert {step["state"] for step in steps.values()} == {"done"}
    assert (steps["confirm_order"]["tries"], len(steps["confirm_order"]["failures"])) == (3, 2)
    assert steps["confirm_order"]["seconds"] >= 1.5, "it waited 0.5 s and 1 s"
    assert steps["ValidationComplete"]["kind"] == "event"
    assert steps["paused"]["seconds"] > 0
    pizza = steps["cook_round"]["history"]["steps"][0]
    assert pizza["instance_id"] == f"pizza-order-{order_id}:round-1:pizza-1-1"
    assert history(slow_shop, order_id, "round-1:pizza-1-1")["cook_one_pizza"]["state"] == "done"


def test_a_terminated_order_s_history_ends_there(slow_shop: Shop) -> None:
    order_id = slow_shop.place(an_order())
    slow_shop.wait_for_place(order_id, "waiting_for_validation")
    slow_shop.ask("POST", "pizza-workflow", "/terminate-order", {"order_id": order_id})
    found = slow_shop.get("pizza-workflow", f"/history/{order_id}")
    assert (found["runtime_status"], found["ended_at"] is not None) == ("TERMINATED", True)
    assert (found["steps"][-1]["kind"], found["steps"][-1]["state"]) == ("wait", "stopped")


def test_an_order_or_a_child_that_there_is_not_has_no_history(slow_shop: Shop) -> None:
    order_id = slow_shop.place(an_order())
    for path in ("nobody-placed-this", f"{order_id}?child=round-9"):
        assert slow_shop.ask("GET", "pizza-workflow", f"/history/{path}").status == 404
