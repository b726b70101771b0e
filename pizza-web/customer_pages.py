"""The pages of the customers: the menu, ordering, and an order on its way."""

import re
import threading
import time
from http import HTTPStatus
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)

from changes import Changes, topic_of
from live import stream
from my_orders import asking_as, customer_of, is_key, key_of_order, my_orders, note
from order_form import OrderForm, items_of
from order_form_errors import Errors, errors_by_field, fields_of
from order_view import STEPS, lasting, read_order
from ordinal import ordinal
from person import person
from pizza_common.errors import NotFound, PeerRefused, PizzaError, Unavailable
from pizza_common.order import MAX_QUANTITY, ORDER_ID
from pizza_common.principal import Principal
from shop import Json, shop

pages = Blueprint("customer_pages", __name__)
for used_in_templates in (lasting, items_of, ordinal):
    pages.add_app_template_filter(used_in_templates)

DESK = "pizza-workflow"
STOREFRONT = "pizza-storefront"

_FIRST_SECONDS = 1.0
_STOP_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4)
_STOPS = ("cancelling", "cancelled", "failed")
_NO_ORDER = "There is no such order."
_BUSY = "The shop cannot take it at this moment. Nothing is lost: try again."
_NOT_KNOWN = "The shop did not answer. Whether the order is cancelled is shown here."
_TAKEN = "This form was ordered before, with other content. Order once more to have this, too."


@pages.get("/")
def menu_page() -> str:
    """What there is, and an empty basket, or one with what an earlier order had."""
    again = request.args.get("again", "")
    if not re.fullmatch(ORDER_ID, again):
        return _form_page(OrderForm())
    with asking_as(_visitor(again)):
        order = shop().order(again)
    return _form_page(OrderForm.again(order))


@pages.get("/basket")
def no_basket() -> Any:
    """The basket is in the form; who comes back to its address begins anew."""
    return redirect(url_for(".menu_page"))


@pages.post("/basket")
def basket() -> str:
    """The form after a button of it, with its price; only the basket where htmx asks."""
    form = OrderForm.sent(request.form).pressed(request.form)
    if request.headers.get("HX-Request"):
        return render_template("customer/_basket_answer.html", **_basket(form))
    return _form_page(form)


@pages.post("/orders")
def order() -> Any:
    """Order what is in the form: once, however often it is sent."""
    form = OrderForm.sent(request.form)
    try:
        form = _started(form)
    except PeerRefused as refused:
        return _refused(form, refused)
    except Unavailable:
        return _form_page(form, {"form": _BUSY}), HTTPStatus.SERVICE_UNAVAILABLE
    note(form.order_id)
    return redirect(_order_url(form.order_id, customer_of(form.order_id)), HTTPStatus.SEE_OTHER)


@pages.get("/orders")
def orders_page() -> str:
    """The orders of this browser."""
    return render_template("customer/orders.html", orders=_my_orders())


@pages.get("/live/orders")
def live_orders() -> Response:
    """The list, whenever one of them changed."""
    topics = tuple(topic_of(order_id) for order_id in my_orders())
    return stream(topics, lambda: render_template("customer/_orders.html", orders=_my_orders()))


@pages.get("/orders/<order_id:order_id>")
def order_page(order_id: str) -> str:
    """One order, for who has its link, and for those who work in the shop."""
    return render_template("customer/order.html", **_order_when_known(order_id))


@pages.get("/live/orders/<order_id:order_id>")
def live_order(order_id: str) -> Response:
    """The order, whenever it changed."""
    who = _visitor(order_id)
    return stream(
        (topic_of(order_id),),
        lambda: render_template("customer/_order.html", **_order(order_id, who)),
        shared=(order_id, who),
    )


@pages.post("/orders/<order_id:order_id>/cancel")
def cancel(order_id: str) -> Any:
    """Cancel the order, if that is still possible."""
    reason = request.form.get("reason", "").strip() or None
    who = _visitor(order_id)
    try:
        with asking_as(who):
            shop().post(DESK, "cancel-order", {"order_id": order_id, "reason": reason})
            _see_that_it_stops(order_id)
    except PeerRefused as refused:
        flash(refused.said, "error")
    except Unavailable:
        flash(_NOT_KNOWN, "error")
    return redirect(_order_url(order_id, who), HTTPStatus.SEE_OTHER)


def _see_that_it_stops(order_id: str) -> None:
    """Wait a little until its workflow shows the wish, of which no event tells; then tell pages."""
    for pause in _STOP_PAUSES:
        if shop().get(DESK, f"get-status/{order_id}")["custom_status"] in _STOPS:
            break
        time.sleep(pause)
    else:
        flash("The shop was asked to cancel the order.")
    changes: Changes = current_app.extensions["changes"]
    changes.tell(topic_of(order_id))


def _visitor(order_id: str) -> Principal:
    """Who looks at an order: its customer, by the link, or somebody who works in the shop.

    Raises NotFound, which is no hint, for anybody else.
    """
    if is_key(order_id, request.args.get("key", "")):
        return customer_of(order_id)
    if person().has("kitchen", "manager", "operator"):
        return person()
    raise NotFound(_NO_ORDER)


def _order_when_known(order_id: str) -> Json:
    """What the page shows; right after ordering, it waits a little for the first that is told."""
    who, told = _visitor(order_id), threading.Event()
    changes: Changes = current_app.extensions["changes"]
    with changes.watched((topic_of(order_id),), told.set):
        found = _order(order_id, who)
        if found["order"] is None and told.wait(_FIRST_SECONDS):
            found = _order(order_id, who)
    return found


def _order(order_id: str, who: Principal) -> Json:
    """What the page of an order shows. Raises NotFound, PeerUnavailable."""
    with asking_as(who):
        found = read_order(shop(), order_id)
    if found is None:
        raise NotFound(_NO_ORDER)
    workflow = found.get("workflow") or {}
    stops = workflow.get("custom_status") == "cancelling" and not found["progress"]["is_over"]
    delivery = (workflow.get("result") or {}).get("delivery_result") or {}
    return {
        **found,
        "key": _key(who),
        "may_cancel": who.has("customer", "operator"),
        "stops": stops,
        "brought_by": delivery.get("driver"),
        "step_names": STEPS,
    }


def _my_orders() -> list[Json]:
    return [found for order_id in my_orders() if (found := _listed(order_id))]


def _listed(order_id: str) -> Json | None:
    """An order of the list; None for one that is forgotten."""
    who = customer_of(order_id)
    try:
        with asking_as(who):
            found = shop().order(order_id)
    except PeerRefused:
        return None
    return {**found, "url": _order_url(order_id, who)}


def _order_url(order_id: str, who: Principal) -> str:
    return url_for(".order_page", order_id=order_id, key=_key(who))


def _key(who: Principal) -> str | None:
    """The key for links to the order: only its customer is given it."""
    return key_of_order(who.order_id) if who.order_id else None


def _started(form: OrderForm) -> OrderForm:
    """The form whose order was started: under a new id if somebody else's has this one."""
    try:
        shop().post(DESK, "start-order", form.order())
    except PeerRefused as refused:
        if refused.status != HTTPStatus.CONFLICT or not _is_anothers(form):
            raise
        form = form.anew()
        shop().post(DESK, "start-order", form.order())
    return form


def _is_anothers(form: OrderForm) -> bool:
    """Whether the order with this id is surely none that this form was sent for before."""
    if form.order_id in my_orders():
        return False
    try:
        with asking_as(customer_of(form.order_id)):
            return not form.is_of(shop().order(form.order_id)["customer"])
    except PizzaError:  # it was not told of yet, so it is a moment old
        return False


def _form_page(form: OrderForm, errors: Errors | None = None) -> str:
    """The whole page; if there is something wrong, it says so at its top."""
    menu, basket = shop().get(STOREFRONT, "menu"), _basket(form, errors)
    wrong = fields_of(basket["errors"], form)
    first = wrong[0].field if wrong else None
    return render_template("customer/menu.html", menu=menu, wrong=wrong, first=first, **basket)


def _basket(form: OrderForm, errors: Errors | None = None) -> Json:
    """What the basket shows: its rows and their price, or what is wrong with them."""
    quote, found = _quote(form)
    cents = {(item["pizza_type"], item["size"]): item["cents"] for item in quote.get("items", ())}
    shown = {"form": form, "quote": quote, "cents": cents, "max_quantity": MAX_QUANTITY}
    return {**shown, "errors": {**found, **(errors or {})}}


def _quote(form: OrderForm) -> tuple[Json, Errors]:
    """The price, or the errors that it has none for."""
    if not form.rows:
        return {}, {}
    try:
        return shop().post(STOREFRONT, "quotes", form.question()), {}
    except PeerRefused as refused:
        return {}, errors_by_field(refused.errors, form) or {"form": refused.said}
    except Unavailable:
        return {}, {"price": "The price is not known at this moment."}


def _refused(form: OrderForm, refused: PeerRefused) -> Any:
    """The form again, with what is wrong; under a new id where another order has this one."""
    if refused.status == HTTPStatus.CONFLICT:
        return _form_page(form.anew(), {"form": _TAKEN}), refused.status
    errors = errors_by_field(refused.errors, form) or {"form": refused.said}
    return _form_page(form, errors), refused.status
