"""The pages of the kitchen."""

from typing import Any

from flask import Blueprint, Response, render_template

from changes import ORDERS
from live import stream
from person import needs
from shop import shop

pages = Blueprint("kitchen_pages", __name__)


@pages.get("/kitchen")
@needs("kitchen")
def kitchen_page() -> str:
    """What is going on."""
    return render_template("kitchen/kitchen.html", **_orders())


@pages.get("/live/kitchen")
@needs("kitchen")
def live_orders() -> Response:
    """The same, whenever something changes."""
    return stream(
        (ORDERS,), lambda: render_template("kitchen/_orders.html", **_orders()), shared="kitchen"
    )


def _orders() -> dict[str, Any]:
    return shop().get("pizza-order", "/orders?limit=20")
