"""The pages of the manager."""

from typing import Any

from flask import Blueprint, Response, render_template

from changes import ORDERS
from live import stream
from person import needs
from shop import shop

pages = Blueprint("manager_pages", __name__)


@pages.get("/manager")
@needs("manager")
def manager_page() -> str:
    """What is going on."""
    return render_template("manager/manager.html", **_orders())


@pages.get("/live/manager")
@needs("manager")
def live_orders() -> Response:
    """The same, whenever something changes."""
    return stream(
        (ORDERS,), lambda: render_template("manager/_orders.html", **_orders()), shared="manager"
    )


def _orders() -> dict[str, Any]:
    return shop().get("pizza-order", "/orders?limit=20")
