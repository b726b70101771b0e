"""One order as the operator sees it, and what may be done with it."""

from typing import Any
from urllib.parse import urlencode

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

from changes import topic_of
from live import stream
from operator_actions import ACTIONS, BY_NAME, Action
from operator_pages import INSTANCE
from order_details import FINAL, OrderDetails, details_of, errors_of
from person import needs
from pizza_common.errors import NotFound, PeerRefused, Unavailable
from pizza_common.event import moment
from plain_words import plain
from shop import shop
from step_bars import timeline

pages = Blueprint("operator_order", __name__)

LOOK_SECONDS = 3.0
"""Tries that fail are no events of the order: the history is looked at so often."""


@pages.get("/operator/orders/<order_id:order_id>")
@needs("operator")
def order_page(order_id: str) -> str:
    """All that is known of an order."""
    return render_template("operator/order.html", **_seen(order_id))


@pages.get("/live/operator/orders/<order_id:order_id>")
@needs("operator")
def live_order(order_id: str) -> Response:
    """The same, whenever something changes."""
    return stream(
        (topic_of(order_id),),
        lambda: render_template("operator/_order.html", **_seen(order_id)),
        shared=order_id,
        every=None if _is_over(order_id) else LOOK_SECONDS,
    )


@pages.get("/operator/orders/<order_id:order_id>/children/<child>")
@needs("operator")
def child_page(order_id: str, child: str) -> str:
    """What a child of the order's workflow has done."""
    query = urlencode({"child": child})
    history = shop().get("pizza-workflow", f"/history/{order_id}?{query}")
    steps = timeline(history, moment())
    return render_template("operator/child.html", order_id=order_id, history=history, steps=steps)


@pages.get("/operator/orders/<order_id:order_id>/<name>")
@needs("operator")
def ask_page(order_id: str, name: str) -> str:
    """What it would do, before it is done."""
    action = _action(name)
    return _asked(action, details_of(order_id, with_history=False))


@pages.post("/operator/orders/<order_id:order_id>/<name>")
@needs("operator")
def act(order_id: str, name: str) -> Any:
    """Do it, and go back to the order, which says what became of it."""
    action = _action(name)
    reason = request.form.get("reason", "").strip()
    try:
        action.ask(shop(), order_id, {"reason": reason} if action.has_reason and reason else {})
    except (PeerRefused, Unavailable) as error:
        if error.errors:
            return _asked(action, details_of(order_id, with_history=False), error), error.status
        flash(f"{action.label}: {error.detail}", "error")
        return redirect(url_for(".order_page", order_id=order_id), 303)
    flash(f"Order {order_id} is {action.done}.", "done")
    if action.name == "forget":
        return redirect(url_for("operator_pages.operator_page"), 303)
    return redirect(url_for(".order_page", order_id=order_id), 303)


def _action(name: str) -> Action:
    if name not in BY_NAME:
        raise NotFound("There is no such page.")
    return BY_NAME[name]


def _asked(
    action: Action, details: OrderDetails, error: PeerRefused | Unavailable | None = None
) -> str:
    return render_template(
        "operator/ask.html",
        action=action,
        details=details,
        refusal=action.refusal(details),
        effects=action.effects(details),
        reason=request.form.get("reason", ""),
        errors={name: plain(said) for name, said in error.errors} if error else {},
    )


def _is_over(order_id: str) -> bool:
    """Whether its workflow has ended: what is done to it then is told by events."""
    try:
        status = shop().get("pizza-workflow", f"/get-status/{order_id}")
    except (PeerRefused, Unavailable):
        return False
    return status["runtime_status"] in FINAL


def _seen(order_id: str) -> dict[str, Any]:
    details = details_of(order_id)
    history = details.history.said
    refusals: dict[str, list[Action]] = {}
    for action in ACTIONS:
        refusals.setdefault(action.refusal(details), []).append(action)
    return {
        "details": details,
        "errors": errors_of(details),
        "steps": timeline(history, moment()) if history else None,
        "offered": refusals.pop("", []),
        "refused": refusals,
        "dashboard": _dashboard(order_id),
    }


def _dashboard(order_id: str) -> str:
    """Where the workflow tool shows this order; "" without one."""
    address: str = current_app.extensions["dashboard"]
    return address.replace(INSTANCE, f"pizza-order-{order_id}")
