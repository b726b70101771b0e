"""The pages of the operator."""

from typing import Any

from flask import Blueprint, Response, render_template

from changes import ORDERS
from live import stream
from person import needs
from shop import shop

pages = Blueprint("operator_pages", __name__)


@pages.get("/operator")
@needs("operator")
def operator_page() -> str:
    """What is going on."""
    return render_template("operator/operator.html", **_orders())


@pages.get("/live/operator")
@needs("operator")
def live_orders() -> Response:
    """The same, whenever something changes."""
    return stream(
        (ORDERS,), lambda: render_template("operator/_orders.html", **_orders()), shared="operator"
    )


def _orders() -> dict[str, Any]:
    return shop().get("pizza-order", "/orders?limit=20")
