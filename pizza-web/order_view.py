"""An order as its page shows it: read from the services that know of it."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from changes import topic_of
from order_form import items_of
from pizza_common.errors import PeerRefused, Unavailable
from shop import Shop

Json = dict[str, Any]

STEPS = {
    "order": "Order taken",
    "payment": "Payment",
    "cooking": "Cooking",
    "approval": "Approval",
    "delivery": "Delivery",
}


def read_order(shop: Shop, order_id: str) -> Json | None:
    """All that the page shows; None for an order that nobody knows.

    Raises PeerUnavailable when the order book or the workflow does not answer.
    """
    order = _unless_unknown(lambda: shop.order(order_id))
    progress = _found(shop, order_id, "pizza-order", f"order/{order_id}/progress")
    workflow = _found(shop, order_id, "pizza-workflow", f"get-status/{order_id}")
    if order is None or progress is None:
        return _before_its_first_event(order_id) if workflow else None
    payment = _payment(shop, order_id)
    return {
        "order_id": order_id,
        "order": order,
        "progress": progress,
        "workflow": workflow,
        "payment": payment,
        "quote": _quote(shop, order, payment),
        "pizzas": _pizzas(shop, order),
        "ending": _ending(order, progress),
        "why_not": _why_not(workflow, order_id),
    }


def lasting(seconds: float) -> str:
    """`13 s`, `2 min`, `1 h 5 min`: about so long."""
    if seconds < 1:
        return "a moment"
    if seconds < 100:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return " ".join(filter(None, (f"{hours} h" if hours else "", f"{minutes} min")))


def _before_its_first_event(order_id: str) -> Json:
    """The workflow was started, and the order book has not heard of it yet."""
    waiting = {"state": "waiting", "share": 0, "usual_seconds": None, "began_at": None}
    steps = [{**waiting, "step": name, "ended_at": None} for name in STEPS]
    progress = {"status": "received", "is_over": False, "estimated_at": None, "waits_for": None}
    progress |= {"round": 1, "steps": steps}
    return {"order_id": order_id, "order": None, "progress": progress}


def _payment(shop: Shop, order_id: str) -> Json | None:
    """None while there is none; the page can do without the answer."""
    try:
        return _found(shop, order_id, "pizza-storefront", f"payments/{order_id}")
    except Unavailable:
        return {"status": "unknown"}


def _pizzas(shop: Shop, order: Json) -> list[Json]:
    """Each pizza's own progress; of a single one the order's says the same."""
    kinds = [item for item in items_of(order) for _ in range(item.get("quantity", 1))]
    if len(kinds) == 1:
        return []
    order_id = order["order_id"]
    try:
        cooking = _found(shop, order_id, "pizza-kitchen", f"cook/{order_id}")
    except Unavailable:
        return []
    waiting = {"state": "waiting", "stage": None, "share": 0, "attempt": 1}
    unknown = [{**waiting, **kind, "pizza": number} for number, kind in enumerate(kinds, 1)]
    return cooking["pizzas"] if cooking else unknown


def _quote(shop: Shop, order: Json, payment: Json | None) -> Json | None:
    """The price while nothing is paid, and the loyalty count once the order is there."""
    if payment and order["status"] != "delivered":
        return None
    items = [
        {name: item.get(name, 1) for name in ("pizza_type", "size", "quantity")}
        for item in items_of(order)
    ]
    customer = {name: order["customer"].get(name) for name in ("name", "phone")}
    known = {"customer": customer} if customer["phone"] else {}
    try:
        return shop.post("pizza-storefront", "quotes", {"items": items, **known})
    except (PeerRefused, Unavailable):
        return None


def _ending(order: Json, progress: Json) -> Json | None:
    """The entry that says how the order ended, and why."""
    if not progress["is_over"]:
        return None
    last = [entry for entry in order["timeline"] if entry["status"] == order["status"]]
    return last[-1] if last else None


def _why_not(workflow: Json | None, order_id: str) -> str:
    """Why the order cannot be cancelled, on a page that is of this order only."""
    if workflow is None:
        return "No workflow works on it, so there is nothing to cancel."
    return (workflow["why_not"] or "").replace(f"Order {order_id}", "It", 1)


def _found(shop: Shop, order_id: str, app_id: str, path: str) -> Json | None:
    """None for what is not there. Raises PeerUnavailable."""
    return _unless_unknown(lambda: shop.get(app_id, path, topic_of(order_id)))


def _unless_unknown(ask: Callable[[], Json]) -> Json | None:
    try:
        return ask()
    except PeerRefused as refused:
        if refused.status == HTTPStatus.NOT_FOUND:
            return None
        raise
