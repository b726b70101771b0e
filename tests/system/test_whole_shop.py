"""Money, stock, schedules, reminders and the monitor, on real processes."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.system.conftest import OpenShop
from tests.system.shop import Shop, an_order
from tools.shop_client import Json, wait_for


@pytest.fixture(scope="module")
def the_shop(open_shop: OpenShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("whole")
    settings = {"PIZZA_MONITOR_SECONDS": "0.5", "PIZZA_RESTOCK_BELOW": "0"}
    with open_shop(folder, 0.02, **settings) as shop:
        yield shop


@pytest.fixture
def shop(the_shop: Shop) -> Shop:
    the_shop.process.check_alive()
    return the_shop


def payment(shop: Shop, order_id: str) -> str:
    return str(shop.get("pizza-storefront", f"/payments/{order_id}")["status"])


def stock(shop: Shop, ingredient: str) -> Json:
    return dict(shop.get("pizza-kitchen", "/stock")["stock"][ingredient])


def set_stock(shop: Shop, ingredient: str, available: int) -> None:
    path, body = f"/stock/{ingredient}", {"available": available}
    wait_for(lambda: shop.ask("PUT", "pizza-kitchen", path, body).status, lambda code: code == 200)


def many(items: list[Json]) -> Json:
    order = an_order(items=items)
    return {name: order[name] for name in ("order_id", "items", "customer")}


@pytest.mark.parametrize("quantities", [[5], [20, 20, 5]], ids=["some", "three batches"])
def test_many_pizzas_are_paid_cooked_and_charged_together(
    shop: Shop, quantities: list[int]
) -> None:
    items = [{"pizza_type": "funghi", "size": "small", "quantity": each} for each in quantities]
    before = stock(shop, "dough")
    order_id = shop.place(many(items))
    shop.wait_for_place(order_id, "waiting_for_validation")
    assert payment(shop, order_id) == "authorized"
    shop.deliver(order_id)
    assert payment(shop, order_id) == "captured"
    assert stock(shop, "dough")["used"] == before["used"] + sum(quantities)


def test_of_50_orders_for_the_last_10_doughs_10_are_confirmed(shop: Shop) -> None:
    set_stock(shop, "dough", 10)
    with ThreadPoolExecutor(10) as pool:
        ids = list(pool.map(shop.place, [an_order() for _ in range(50)]))
    places = [settled(shop, order_id) for order_id in ids]
    assert Counter(places) == {"waiting_for_validation": 10, "failed": 40}
    for order_id, place in zip(ids, places, strict=True):
        assert payment(shop, order_id) == ("voided" if place == "failed" else "authorized")
    level = stock(shop, "dough")
    assert (level["available"], level["used"]) == (0, level["bought"])
    set_stock(shop, "dough", 1000)


def settled(shop: Shop, order_id: str) -> str:
    at = wait_for(
        lambda: shop.status(order_id),
        lambda at: at["custom_status"] in ("waiting_for_validation", "failed"),
    )
    return str(at["custom_status"])


def test_a_scheduled_order_waits_and_can_be_cancelled(shop: Shop) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    order_id = shop.place(an_order(scheduled_for=later))
    shop.wait_for_place(order_id, "scheduled")
    shop.post("/cancel-order", {"order_id": order_id})
    assert shop.wait_for_end(order_id)["result"]["status"] == "cancelled"
    both = ["scheduled", "cancelled"]
    assert shop.wait_for_statuses(order_id, both) == both


def test_a_scheduled_order_begins_by_itself(shop: Shop) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=10)).isoformat()
    order_id = shop.place(an_order(scheduled_for=soon))
    assert shop.deliver(order_id)["result"]["status"] == "completed"
    assert shop.wait_for_status(order_id, "scheduled")[0] == "scheduled"


def test_a_batch_starts_many_and_answers_for_each(shop: Shop) -> None:
    orders = [an_order() for _ in range(20)]
    results = shop.post("/start-orders", {"orders": [*orders, an_order(size="huge")]})["results"]
    assert [each.get("status") for each in results] == ["started"] * 20 + [None]
    for order in orders:
        shop.wait_for_place(order["order_id"], "waiting_for_validation")


def monitor_round(shop: Shop) -> int:
    """Which round the monitor reported last; 0 while the engine cannot tell."""
    said = shop.monitor_says()
    done = re.match(r"round (\d+):", said)  # before the first one it says that none is done
    return int(done[1]) if done else 0


def test_the_monitor_goes_on_after_its_service_and_its_engine_died(shop: Shop) -> None:
    seen = wait_for(lambda: monitor_round(shop), lambda number: number >= 2)
    shop.kill("pizza-workflow")
    again = wait_for(lambda: monitor_round(shop), lambda number: number > seen)
    shop.kill_engine()
    shop.start_again()
    wait_for(lambda: monitor_round(shop), lambda number: number > again)


@pytest.mark.localdapr_only("its shop can be opened again over the data of the last")
def test_a_start_without_a_monitor_ends_that_of_an_earlier_start(
    open_shop: OpenShop, tmp_path: Path
) -> None:
    with open_shop(tmp_path, 0.02, PIZZA_MONITOR_SECONDS="0.5") as shop:
        wait_for(lambda: monitor_round(shop), lambda number: number >= 1)
    with open_shop(tmp_path, 0.02, PIZZA_MONITOR_SECONDS="0") as shop:
        ended = wait_for(shop.monitor, lambda found: bool(found) and is_over(found))
        assert ended is not None
        assert ended["runtimeStatus"] == "TERMINATED"


def is_over(found: Json) -> bool:
    return found["runtimeStatus"] not in ("RUNNING", "PENDING")
