"""What the services know of an order, and how it is placed."""

from tests.unit.pizza_web.fake_shop import FakeShop

MENU = {
    "sizes": ["small", "large"],
    "currency": "USD",
    "pizzas": [
        {"pizza_type": "funghi", "prices": {"small": 900, "large": 1400}},
        {"pizza_type": "diavola", "prices": {"small": 1000, "large": 1500}},
    ],
}
QUOTE = {
    "total_cents": 2800,
    "free_cents": 0,
    "to_pay_cents": 2800,
    "currency": "USD",
    "items": [{"pizza_type": "funghi", "size": "large", "quantity": 2, "cents": 2800}],
}
CUSTOMER = {"name": "Ada Byron", "address": "12 Square", "phone": "555-1815"}
ORDER = {
    "order_id": "o-1",
    "items": [{"pizza_type": "funghi", "size": "large", "quantity": 2}],
    "customer": CUSTOMER,
    "status": "cooking_baking",
    "timeline": [
        {"status": "validating", "at": "2026-01-01T12:00:00.000Z", "service": "pizza-storefront"},
        {
            "status": "payment_authorized",
            "at": "2026-01-01T12:00:04.000Z",
            "service": "pizza-storefront",
            "detail": "2800 cents",
        },
    ],
}
STEPS = ["order", "payment", "cooking", "approval", "delivery"]
BROUGHT = {"delivery_result": {"driver": "Chiara"}}
BASKET = {"pizza_type": "funghi", "size": "large", "quantity": "2"}


def open_shop():
    """Services that have a menu and take orders."""
    shop = FakeShop()
    shop.have("GET", "pizza-storefront/menu", MENU)
    shop.have("POST", "pizza-storefront/quotes", QUOTE)
    shop.have("POST", "pizza-workflow/start-order", {"order_id": "o-1", "status": "started"})
    return shop


def has_order(services, order=ORDER, order_id="o-1", **progress):
    """Let the services know this order, as far as it is."""
    steps = [
        {
            "step": name,
            "state": "done" if name in STEPS[:2] else "current" if name == "cooking" else "waiting",
            "share": 0.5,
            "began_at": None,
            "ended_at": None,
            "usual_seconds": None if name == "approval" else 13,
        }
        for name in STEPS
    ]
    found = {
        "order_id": order_id,
        "status": order["status"],
        "placed_at": "2026-01-01T12:00:00.000Z",
        "estimated_at": "2026-01-01T12:00:30.000Z",
        "seconds_left": 20.0,
        "waits_for": None,
        "is_over": False,
        "round": 1,
        "steps": steps,
    }
    status = {"runtime_status": "RUNNING", "cancellable": True, "why_not": None}
    status |= {"custom_status": "cooking", "result": None}
    services.have("GET", f"pizza-order/order/{order_id}", {**order, "order_id": order_id})
    services.have("GET", f"pizza-order/order/{order_id}/progress", found | progress)
    services.have("GET", f"pizza-workflow/get-status/{order_id}", status)
    paid = {"status": "authorized", "authorized_cents": 2800, "free_cents": 0}
    services.have("GET", f"pizza-storefront/payments/{order_id}", paid)


def is_cancelling(services):
    """Let the workflow have heard that o-1 is to be cancelled."""
    why = "Order o-1 is being cancelled already; it cannot be cancelled."
    status = {"runtime_status": "RUNNING", "cancellable": False, "why_not": why}
    status |= {"custom_status": "cancelling", "result": None}
    services.have("GET", "pizza-workflow/get-status/o-1", status)


def place(client, **fields):
    """Order, and give the path to which that leads."""
    answer = client.post("/orders", data={**BASKET, **CUSTOMER, "order_id": "o-1", **fields})
    assert answer.status_code == 303
    return answer.location
