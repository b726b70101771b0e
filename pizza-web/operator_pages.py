"""The operator's first page: what needs a person, how many orders stand where, and a list."""

from typing import Any

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for

from changes import ORDERS
from live import stream
from memo import Memo
from operator_search import orders_of, problem_of
from order_filter import AGES, SHOWN, OrderFilter
from parallel import Answer, answers
from person import needs
from pizza_common.errors import Unavailable
from pizza_common.status import Status
from shop import shop

pages = Blueprint("operator_pages", __name__)

BOOK = "pizza-order"
ATTENTION = 5
BEGIN_SO = 10
INSTANCE = "{instance_id}"
OVERVIEW_SECONDS = 3.0
"""Counting looks at many orders: not at each event, but so often."""


@pages.app_context_processor
def _sections() -> dict[str, Any]:
    """For the navigation: the tool's address, unless it is one for each workflow; and faults."""
    address: str = current_app.extensions["dashboard"]
    return {
        "workflow_tool": "" if INSTANCE in address else address,
        "faults_are_on": current_app.extensions["faults_are_on"],
    }


@pages.get("/operator")
@needs("operator")
def operator_page() -> Any:
    """The orders that are asked for; an id, or the beginning of one, leads to its order."""
    order_id = request.args.get("order_id", "").strip()
    found = orders_of(order_id) if order_id else []
    if len(found) == 1:
        return redirect(url_for("operator_order.order_page", order_id=found[0]), 303)
    search = {
        "order_id": order_id,
        "begin_so": found[:BEGIN_SO],
        "problem": problem_of(order_id) if order_id and not found else "",
    }
    form = {"shown": SHOWN, "ages": AGES, "statuses": list(Status)}
    seen = _seen(OrderFilter.of(request.args))
    return render_template("operator/operator.html", **search, **form, **seen)


@pages.get("/live/operator")
@needs("operator")
def live_orders() -> Response:
    """The same list, whenever something changes."""
    order_filter = OrderFilter.of(request.args)
    return stream(
        (ORDERS,),
        lambda: render_template("operator/_orders.html", **_seen(order_filter)),
        shared=order_filter,
        every=OVERVIEW_SECONDS,
    )


def _seen(order_filter: OrderFilter) -> dict[str, Any]:
    memo: Memo = current_app.extensions["memo"]
    overview = memo.get("operator", "overview", _overview, OVERVIEW_SECONDS)
    seen = {**overview, "orders": _orders(order_filter, overview)}
    return {"order_filter": order_filter, "seen": seen, "attention": ATTENTION}


def _orders(order_filter: OrderFilter, overview: dict[str, Answer]) -> Answer:
    """The list; a book that answered nothing just now is not waited for a second time."""
    if all(isinstance(answer.error, Unavailable) for answer in overview.values()):
        return overview["counts"]
    return answers({"orders": lambda: shop().get(BOOK, order_filter.path())})["orders"]


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
