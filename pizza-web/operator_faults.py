"""Failures on demand, where PIZZA_FAULTS enables them."""

from functools import partial
from math import isfinite
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from operator_health import PROBE_SECONDS, SERVICES
from parallel import answers
from person import needs
from pizza_common.errors import NotFound, PeerRefused, Unavailable
from plain_words import plain
from shop import Json, shop

pages = Blueprint("operator_faults", __name__)


@pages.get("/operator/faults")
@needs("operator")
def faults_page() -> str:
    """What is armed in each service, and a form to arm more."""
    return _page({})


@pages.post("/operator/faults")
@needs("operator")
def arm() -> Any:
    """Arm a fault in a service."""
    name, _, step = request.form.get("step", "").partition("/")
    service = _service(name)
    try:
        fault = _fault(step)
        shop().post(service, "/faults", fault)
    except ValueError as error:
        return _page({str(error): "must be a number"}), 400
    except (PeerRefused, Unavailable) as error:
        found = {name: plain(said) for name, said in error.errors} or {"step": error.detail}
        return _page(found), error.status
    flash(f"{service}: the next {fault.get('times', 1)} of {fault['step']} will fail or wait.")
    return redirect(url_for(".faults_page"), 303)


@pages.post("/operator/faults/<service>/clear")
@needs("operator")
def clear(service: str) -> Any:
    """Disarm all faults of a service."""
    shop().delete(_service(service), "/faults")
    flash(f"{service}: nothing is armed any more.")
    return redirect(url_for(".faults_page"), 303)


def _service(name: str) -> str:
    if name not in SERVICES:
        raise NotFound("There is no such service.")
    return name


def _fault(step: str) -> Json:
    """What the form says. Raises ValueError with the field that is no number."""
    fault: Json = {"step": step}
    for name, kind in (("times", int), ("status", int), ("delay_seconds", _finite)):
        typed = request.form.get(name, "").strip()
        try:
            fault |= {name: kind(typed)} if typed else {}
        except ValueError:
            raise ValueError(name) from None
    return fault | ({"after": True} if request.form.get("after") else {})


def _finite(typed: str) -> float:
    """The number. Raises ValueError also for `nan` and `inf`, which JSON cannot tell."""
    if not isfinite(number := float(typed)):
        raise ValueError(typed)
    return number


def _page(errors: dict[str, str]) -> str:
    ask = partial(shop().get, path="/faults", timeout=PROBE_SECONDS)
    found = answers({service: partial(ask, service) for service in SERVICES})
    return render_template(
        "operator/faults.html",
        services={name: answer.said for name, answer in found.items() if answer.said},
        away=[n for n, answer in found.items() if answer.error and not answer.is_unknown],
        typed=request.form,
        errors=errors,
    )
