"""What has to add up when all orders have ended, whatever was killed meanwhile."""

import contextlib
from collections import Counter
from collections.abc import Sequence

from dapr.ext.workflow import DaprWorkflowClient

from tests.fleet.customers import Customers
from tests.fleet.fleet import Fleet
from tests.system.test_conservation import check_stock
from tools.demo import TIMELINE
from tools.shop_client import Json
from tools.shop_engine import until

PRICE = 1450
NEEDS = {"dough": 1, "sauce": 3, "cheese": 3, "pepperoni": 3}  # of a large pepperoni
SETTLE_SECONDS = 240.0  # events whose receiver died come to another after 90 s
LOOK_SECONDS = 0.5


def check_books(
    fleet: Fleet, customers: Customers, orders: Sequence[Json], ends: Sequence[Json]
) -> None:
    """All were delivered, paid for once, cooked once, and told once in order."""
    for end in ends:
        assert end["runtime_status"] == "COMPLETED", end
        assert end["result"]["status"] == "completed", end
        assert "needs_attention" not in end["result"], end
    ids = [order["order_id"] for order in orders]
    check_workflows(fleet, ids)
    for order_id in ids:
        check_order(customers, order_id)
    check_stock(customers.ask("GET", "pizza-kitchen", "/stock").body["stock"])
    drivers = customers.ask("GET", "pizza-delivery", "/drivers").body["drivers"]
    assert [driver for driver in drivers if driver["order_id"]] == []


def check_order(customers: Customers, order_id: str) -> None:
    """One order's payment, ingredients and timeline."""
    payment = customers.ask("GET", "pizza-storefront", f"/payments/{order_id}").body
    assert (payment["status"], payment["captured_cents"]) == ("captured", PRICE), payment
    held = customers.ask("GET", "pizza-kitchen", f"/stock/reservations/{order_id}").body
    assert held["used"] == NEEDS, held
    assert (order_id, settled_timeline(customers, order_id)) == (order_id, TIMELINE)


def settled_timeline(customers: Customers, order_id: str) -> list[str]:
    """The statuses that the order book has; the last events may still be on their way."""
    statuses: list[str] = []
    for _ in until(SETTLE_SECONDS, LOOK_SECONDS):
        book = customers.ask("GET", "pizza-order", f"/order/{order_id}").body
        told = [entry["status"] for entry in book.get("timeline", [])]
        # The monitor tells of an order that was held up for a minute, and that is as it should be.
        statuses = [status for status in told if status != "needs_attention"]
        if set(TIMELINE) <= set(statuses):
            break
    return statuses


def check_workflows(fleet: Fleet, order_ids: Sequence[str]) -> None:
    """Each order has one workflow, and no order has one that nobody gave."""
    counted = Counter(name for name in workflow_ids(fleet) if ":" not in name)
    of_orders = {name: count for name, count in counted.items() if name.startswith("pizza-order-")}
    wanted = {f"pizza-order-{order_id}": 1 for order_id in order_ids}
    assert {name: of_orders.get(name) for name in wanted} == wanted


def workflow_ids(fleet: Fleet) -> list[str]:
    """All that the engine knows."""
    port = fleet.shop.port_of("pizza-workflow").grpc
    with contextlib.closing(DaprWorkflowClient(host="127.0.0.1", port=str(port))) as client:
        return list(client.iter_workflow_instance_ids())
