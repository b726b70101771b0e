"""One order, from start to delivered."""

from pathlib import Path

from tests.system.conftest import OpenShop
from tests.system.shop import TIMELINE, Shop, an_order


def test_an_approved_order_passes_every_status_once_and_in_order(shop: Shop) -> None:
    order = an_order()
    assert shop.start(order) == {
        "order_id": order["order_id"],
        "workflow_instance_id": f"pizza-order-{order['order_id']}",
        "status": "started",
    }
    ended = shop.deliver(order["order_id"])
    assert ended["runtime_status"] == "COMPLETED"
    assert ended["custom_status"] == "delivered"
    assert shop.wait_for_statuses(order["order_id"], TIMELINE) == TIMELINE


def test_the_result_tells_who_delivered_what(shop: Shop) -> None:
    order = an_order()
    result = shop.deliver(shop.place(order))["result"]
    assert result == {
        "order_id": order["order_id"],
        "status": "completed",
        "final_status": "delivered",
        "delivery_result": {
            **order,
            "status": "delivered",
            "driver": result["delivery_result"]["driver"],
        },
    }


def test_the_order_book_has_the_order_as_it_was_sent(shop: Shop) -> None:
    order = an_order()
    shop.deliver(shop.place(order))
    shop.wait_for_statuses(order["order_id"], TIMELINE)
    found = shop.get("pizza-order", f"/order/{order['order_id']}")
    timeline = found.pop("timeline")
    assert found == {**order, "status": "delivered"}
    assert {entry["service"] for entry in timeline} == {
        "pizza-storefront",
        "pizza-kitchen",
        "pizza-workflow",
        "pizza-delivery",
    }


def test_the_times_of_the_timeline_go_forward(shop: Shop) -> None:
    order_id = shop.place(an_order())
    shop.deliver(order_id)
    shop.wait_for_statuses(order_id, TIMELINE)
    at_the_same_time = ("payment_authorized", "stock_reserved")
    entries = [e for e in shop.timeline(order_id) if e["status"] not in at_the_same_time]
    times = [entry["at"] for entry in entries]
    assert times == sorted(times)


def test_an_order_without_an_id_gets_one(shop: Shop) -> None:
    order = an_order()
    del order["order_id"]
    order_id = shop.place(order)
    assert shop.deliver(order_id)["result"]["status"] == "completed"


def test_an_order_of_several_pizzas_is_delivered(shop: Shop) -> None:
    items = [
        {"pizza_type": "funghi", "size": "small", "quantity": 2},
        {"pizza_type": "diavola", "size": "large", "quantity": 1},
    ]
    order = an_order(items=items)
    del order["pizza_type"], order["size"]
    result = shop.deliver(shop.place(order))["result"]
    assert result["delivery_result"]["items"] == items


def test_at_scale_0_an_order_needs_no_time_but_the_overhead(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    with open_shop(tmp_path, 0) as shop:
        order_id = shop.place(an_order())
        assert shop.deliver(order_id)["result"]["status"] == "completed"
        assert shop.wait_for_statuses(order_id, TIMELINE) == TIMELINE
