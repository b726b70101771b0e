"""The operator's first page: what needs a person, how many orders stand where, and a list."""

import re
from typing import Any

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for

from changes import ORDERS
from live import stream
from memo import Memo
from order_wish import AGES, SHOWN, OrderWish
from person import needs
from pizza_common.order import ORDER_ID
from pizza_common.status import Status
from shop import shop
from together import Answer, answers

pages = Blueprint("operator_pages", __name__)

BOOK = "pizza-order"
ATTENTION = 5
INSTANCE = "{instance_id}"
OVERVIEW_SECONDS = 3.0
"""Counting looks at many orders: not at each event, but so often."""


@pages.app_context_processor
def _workflow_tool() -> dict[str, str]:
    """The tool's address for the navigation, unless it is one for each workflow."""
    address: str = current_app.extensions["dashboard"]
    return {"workflow_tool": "" if INSTANCE in address else address}


@pages.get("/operator")
@needs("operator")
def operator_page() -> Any:
    """The orders that are asked for; an id leads to its order."""
    order_id = request.args.get("order_id", "").strip()
    if re.fullmatch(ORDER_ID, order_id):
        return redirect(url_for("operator_order.order_page", order_id=order_id), 303)
    wish = OrderWish.of(request.args)
    problem = "An order id has letters, digits, - and _, at most 48." if order_id else ""
    form = {"shown": SHOWN, "ages": AGES, "statuses": list(Status)}
    return render_template(
        "operator/operator.html", order_id=order_id, problem=problem, **form, **_seen(wish)
    )


@pages.get("/live/operator")
@needs("operator")
def live_orders() -> Response:
    """The same list, whenever something changes."""
    wish = OrderWish.of(request.args)
    return stream(
        (ORDERS,),
        lambda: render_template("operator/_orders.html", **_seen(wish)),
        shared=wish,
        every=OVERVIEW_SECONDS,
    )


def _seen(wish: OrderWish) -> dict[str, Any]:
    memo: Memo = current_app.extensions["memo"]
    overview = memo.get("operator", "overview", _overview, OVERVIEW_SECONDS)
    found = answers({"orders": lambda: shop().get(BOOK, wish.path())})
    return {"wish": wish, "seen": {**overview, **found}, "attention": ATTENTION}


def _overview() -> dict[str, Answer]:
    return answers(
        {
            "counts": lambda: shop().get(BOOK, "/orders/counts"),
            "stuck": lambda: shop().get(BOOK, f"/orders?stuck=true&limit={ATTENTION + 1}"),
            "waiting": lambda: shop().get(
                BOOK, f"/orders?needs_attention=true&limit={ATTENTION + 1}"
            ),
        }
    )
