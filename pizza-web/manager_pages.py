"""The pages of the manager: what waits for a decision, and what was decided last."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for

from changes import ORDERS
from decision_form import DecisionForm
from live import stream
from person import needs, person
from pizza_common.errors import PeerRefused, PeerUnavailable
from shop import shop

LOOK_SECONDS = 10.0
"""The time that is left grows less though nothing happens."""

WAITING_SHOWN = 25
DECISIONS_SHOWN = 10

pages = Blueprint("manager_pages", __name__)


@pages.get("/manager")
@needs("manager", "operator")
def manager_page() -> str:
    """What waits, the most urgent first, and the last decisions."""
    return _page()


@pages.get("/live/manager")
@needs("manager", "operator")
def live_manager() -> Response:
    """The same, whenever something changes."""
    decides = person().has("manager")
    return stream(
        (ORDERS,),
        lambda: render_template("manager/_manager.html", **_manager(decides)),
        shared=("manager", decides),
        every=LOOK_SECONDS,
    )


@pages.post("/manager/decisions")
@needs("manager")
def decide() -> Any:
    """Decide about one round of an order; of two who do, the second is told what the first did."""
    form = DecisionForm.sent(request.form)
    if errors := form.errors():
        return _page(form, errors), 400
    try:
        shop().post("pizza-workflow", "/validate-pizza", form.body(person().name))
    except PeerRefused as refused:
        if refused.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            return _page(form, form.told_by(refused)), refused.status
        flash(refused.said, "error")
    except PeerUnavailable:
        return render_template("manager/decide_again.html", form=form, errors={}), 503
    else:
        flash(form.done(), "done")
    return redirect(url_for("manager_pages.manager_page"), 303)


def _page(form: DecisionForm | None = None, errors: dict[str, str] | None = None) -> str:
    decides = person().has("manager")
    return render_template(
        "manager/manager.html", form=form, errors=errors or {}, **_manager(decides)
    )


def _manager(decides: bool) -> dict[str, Any]:
    found = shop().get("pizza-workflow", "/approvals")
    decisions = shop().get("pizza-order", f"/decisions?limit={DECISIONS_SHOWN}")
    waiting = found["approvals"]
    return {
        **decisions,
        "approvals": waiting[:WAITING_SHOWN],
        "waiting": f"{len(waiting)}+" if found["more"] else len(waiting),
        "others": len(waiting[WAITING_SHOWN:]),
        "decides": decides,
        "left_until": left_until,
    }


def left_until(at: str) -> str:
    """`in 1 h 5 min`, for people: to the minute, so that it changes once a minute."""
    minutes = int((datetime.fromisoformat(at) - datetime.now(UTC)).total_seconds() // 60)
    if minutes < 0:
        return "any moment"
    if minutes == 0:
        return "in less than a minute"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    told = [f"{count} {unit}" for count, unit in parts if count]
    return f"in {' '.join(told[:2])}"
