"""The drivers, and which orders they are on the road with."""

from typing import Any

from flask import Blueprint, Response, render_template

from changes import ORDERS
from live import stream
from person import needs
from shop import shop

pages = Blueprint("operator_drivers", __name__)


@pages.get("/operator/drivers")
@needs("operator")
def drivers_page() -> str:
    """Who is on the road, and how many are free."""
    return render_template("operator/drivers.html", **_seen())


@pages.get("/live/operator/drivers")
@needs("operator")
def live_drivers() -> Response:
    """The same, whenever something changes."""
    return stream(
        (ORDERS,), lambda: render_template("operator/_drivers.html", **_seen()), shared="drivers"
    )


def _seen() -> dict[str, Any]:
    roster = shop().get("pizza-delivery", "/drivers")["drivers"]
    busy = [driver for driver in roster if driver["order_id"]]
    return {"busy": busy, "free": len(roster) - len(busy), "all": len(roster)}
