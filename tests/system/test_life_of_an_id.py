"""The life of an order id: what is deleted may be ordered again; what was charged has a record."""

from pathlib import Path

from tests.system.conftest import OpenShop
from tests.system.shop import TIMELINE, Shop, an_order
from tools.shop_client import wait_for


def test_the_workshops_requests_in_their_order_leave_an_order_that_is_seen_to_its_end(
    shop: Shop,
) -> None:
    order = an_order(order_id="workshop-123")
    of_order = {"order_id": order["order_id"]}
    book, desk, path = "pizza-order", "pizza-workflow", f"/order/{order['order_id']}"

    assert shop.ask("POST", book, "/order", order).status == 200
    assert shop.ask("GET", book, path).status == 200
    assert shop.ask("DELETE", book, path).status == 200
    assert shop.ask("GET", book, path).status == 404
    assert shop.ask("POST", "pizza-storefront", "/order", order).status == 200
    assert shop.ask("POST", desk, "/start-order", order).status == 200
    assert shop.ask("DELETE", book, path).status == 409
    shop.wait_for_place(order["order_id"], "waiting_for_validation")
    decision = {**of_order, "approved": True}
    assert shop.ask("POST", desk, "/validate-pizza", decision).status == 200
    assert shop.ask("GET", desk, f"/get-status/{order['order_id']}").status == 200
    # Until the approval has an effect, the order could be cancelled.
    wait_for(
        lambda: shop.status(order["order_id"]),
        lambda at: at["custom_status"] != "waiting_for_validation",
    )
    for request in ("/pause-order", "/resume-order", "/cancel-order"):
        assert shop.ask("POST", desk, request, of_order).status in (200, 409)

    assert shop.wait_for_end(order["order_id"])["result"]["status"] == "completed"
    seen = shop.wait_for_statuses(order["order_id"], TIMELINE)
    assert [status for status in seen if status not in ("paused", "resumed")] == TIMELINE
    assert shop.get("pizza-storefront", f"/payments/{order['order_id']}")["status"] == "captured"


def test_what_was_delivered_may_be_deleted_and_ordered_again_as_a_new_order(shop: Shop) -> None:
    customer = {"name": "Twice Lived", "address": "2 Again Rd", "phone": "555-2222"}
    order = an_order(customer=customer)
    order_id = order["order_id"]
    for lives in (1, 2):
        shop.deliver(shop.place(order))
        assert shop.wait_for_statuses(order_id, TIMELINE) == TIMELINE
        shop.wait_for_card("twice-lived.5552222", lives)
        assert shop.ask("DELETE", "pizza-order", f"/order/{order_id}").status == 200
        assert not shop.knows(order_id)
        receipts = shop.get("pizza-storefront", f"/payments/{order_id}/receipts")["receipts"]
        assert [receipt["captured_cents"] for receipt in receipts] == [1450] * lives
    assert shop.ask("GET", "pizza-storefront", f"/payments/{order_id}").status == 404


def test_while_a_workflow_works_on_an_order_it_is_not_deleted(slow_shop: Shop) -> None:
    order_id = slow_shop.place(an_order())
    slow_shop.wait_for_status(order_id, "validating")
    assert slow_shop.ask("DELETE", "pizza-order", f"/order/{order_id}").status == 409
    assert slow_shop.ask("GET", "pizza-order", f"/order/{order_id}").status == 200
    slow_shop.post("/cancel-order", {"order_id": order_id})
    assert slow_shop.wait_for_end(order_id)["result"]["status"] == "cancelled"


def test_an_order_that_is_over_for_so_long_is_forgotten_and_one_in_work_is_not(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    eight_seconds = str(8 / 86400)
    settings = {"PIZZA_RETENTION_DAYS": eight_seconds, "PIZZA_MONITOR_SECONDS": "1"}
    with open_shop(tmp_path, 0, **settings) as shop:
        in_work = shop.place(an_order())
        shop.wait_for_status(in_work, "waiting_for_validation")
        over = an_order()
        shop.deliver(shop.place(over))
        wait_for(lambda: shop.knows(over["order_id"]), lambda known: not known)
        path = f"/payments/{over['order_id']}/receipts"
        assert len(shop.get("pizza-storefront", path)["receipts"]) == 1
        shop.place(over)
        shop.wait_for_status(over["order_id"], "waiting_for_validation")
        assert shop.deliver(in_work)["result"]["status"] == "completed"
