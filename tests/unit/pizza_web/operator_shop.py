"""What the services know of orders, steps and counts, as an operator looks at them."""

from tests.unit.pizza_web.fake_shop import FakeShop
from tests.unit.services import ORDER

AT = "2026-05-04T12:00:00.000Z"


def a_listed(order_id="123", status="cooked", **more):
    times = {"placed_at": AT, "updated_at": AT, "attempt": 1}
    return {**ORDER, "order_id": order_id, "status": status, **times, **more}


def a_step(name, **more):
    return {
        "kind": "activity",
        "name": name,
        "undoes": False,
        "state": "done",
        "began_at": AT,
        "ended_at": "2026-05-04T12:00:02.500Z",
        "seconds": 2.5,
        "tries": 1,
        "failures": [],
        "error": None,
        "instance_id": None,
        **more,
    }


def a_history(*steps, **more):
    return {"began_at": AT, "ended_at": None, "left_out": 0, "steps": list(steps), **more}


def counts(**more):
    hour = {"from": AT, "placed": 2, "delivered": 1, "stopped": 0, "unfinished": 1}
    return {
        "counted_at": AT,
        "orders": 2,
        "whole": True,
        "complete_since": None,
        "unfinished": 1,
        "unfinished_whole": True,
        "needs_attention": 0,
        "by_status": {"cooked": 1, "delivered": 1},
        "hours": [{**hour, "complete": True}] * 12,
        **more,
    }


def listing(*orders, cursor=None):
    return {"orders": list(orders), "cursor": cursor}


class OperatorShop(FakeShop):
    """Has counts and an empty list of orders, until a test puts something else there."""

    def __init__(self) -> None:
        super().__init__()
        self.have("GET", "/orders", listing())
        self.have("GET", "/orders/counts", counts())

    def put_order(self, runtime_status="RUNNING", **workflow):
        """Order 123, with money and dough set aside, in this state of its workflow."""
        timeline = [{"status": "cooked", "at": AT, "service": "pizza-workflow"}]
        self.answers |= {
            ("GET", "/order/123"): {**ORDER, "status": "cooked", "timeline": timeline},
            ("GET", "/get-status/123"): {
                "workflow_instance_id": "pizza-order-123",
                "runtime_status": runtime_status,
                "custom_status": "cooking",
                "created_at": AT,
                "last_updated_at": AT,
                "result": None,
                "error": None,
                **workflow,
            },
            ("GET", "/history/123"): a_history(a_step("order_pizza")),
            ("GET", "/payments/123"): {
                "status": "authorized",
                "authorized_cents": 1450,
                "captured_cents": 0,
                "refunded_cents": 0,
            },
            ("GET", "/stock/reservations/123"): {"status": "reserved", "ingredients": {"dough": 1}},
            ("GET", "/drivers"): {"drivers": [{"driver": "Ada", "order_id": None}]},
        }

    def changes(self):
        """What it was asked to change."""
        return [asked for asked in self.asked if asked[0] != "GET"]
