"""The pages of the kitchen: the board of pizzas, and the stock."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for

from changes import ORDERS
from live import stream
from person import needs
from pizza_common.errors import PeerRefused, PeerUnavailable
from service_path import path_of
from shop import shop
from stock_form import StockForm, again

KITCHEN = "pizza-kitchen"

COLUMNS = (
    ("waiting", "To cook"),
    ("cooking", "Cooking"),
    ("validation", "Waiting for approval"),
    ("remaking", "Being remade"),
)

LOOK_SECONDS = 15.0
"""What is bought is told by no event."""

CARDS_SHOWN = 20
"""In each column, so that a page stays small."""

CHANGES_SHOWN = 20

pages = Blueprint("kitchen_pages", __name__)


@pages.get("/kitchen")
@needs("kitchen", "operator")
def kitchen_page() -> str:
    """The pizzas and the stock; `ingredient` is the one that somebody wants to change."""
    return _page(StockForm(ingredient=request.args.get("ingredient", "")), {})


@pages.get("/live/kitchen")
@needs("kitchen", "operator")
def live_kitchen() -> Response:
    """The same, whenever something changes."""
    return stream(
        (ORDERS,),
        lambda: render_template("kitchen/_kitchen.html", **_kitchen()),
        shared="kitchen",
        every=LOOK_SECONDS,
    )


@pages.post("/kitchen/stock")
@needs("kitchen", "operator")
def change_stock() -> Any:
    """Buy or correct; what was sent twice, by whatever accident, is done once."""
    form = StockForm.sent(request.form)
    if errors := form.errors():
        return _page(form, errors), 400
    path = path_of("stock", form.ingredient)
    try:
        answer = shop().put(KITCHEN, path, form.body(), idempotency_key=form.key)
    except PeerRefused as refused:
        return _page(*again(form, refused)), refused.status
    except PeerUnavailable:
        return render_template("kitchen/stock_again.html", form=form, errors={}), 503
    available = answer["stock"][form.ingredient]["available"]
    flash(f"There are {available} units of {form.ingredient} now.", "done")
    return redirect(url_for("kitchen_pages.kitchen_page"), 303)


def _page(form: StockForm, errors: dict[str, str]) -> str:
    changes = shop().get(KITCHEN, "/stock/changes")["changes"][:CHANGES_SHOWN]
    return render_template(
        "kitchen/kitchen.html", form=form, errors=errors, changes=changes, **_kitchen()
    )


def _kitchen() -> dict[str, Any]:
    board = shop().get(KITCHEN, "/pizzas")
    columns = [
        (title, [pizza for pizza in board["pizzas"] if pizza["column"] == column])
        for column, title in COLUMNS
    ]
    stock = shop().get(KITCHEN, "/stock")["stock"]
    return {"columns": columns, "shown": CARDS_SHOWN, "more": board["more"], "stock": stock}
