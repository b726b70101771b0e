"""Who may call a route: each names its callers, and one check before it holds them to that."""

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar

from flask import Flask, g, request

from pizza_common.app_token import check_delivery, check_sidecar
from pizza_common.identity import HEADER, read_identity
from pizza_common.principal import EVERY_ROLE, Principal, Role
from pizza_common.settings import Settings

Caller = Role | Literal["anyone", "step", "records", "event"]

ANYONE: Caller = "anyone"
STEP: Caller = "step"
"""The own sidecar, with a call of another service of the shop; anyone in development."""
RECORDS: Caller = "records"
"""As STEP, and the own sidecar also in development, if there is an APP_API_TOKEN."""
EVENT: Caller = "event"
"""The own sidecar with an event of a topic."""

Route = TypeVar("Route", bound=Callable[..., Any])

_CALLERS = "__callers__"


def allow(*callers: Caller) -> Callable[[Route], Route]:
    """Name who may call a route; stands under the decorator of the route."""

    def mark(route: Route) -> Route:
        setattr(route, _CALLERS, frozenset(callers))
        return route

    return mark


def callers_of(app: Flask, endpoint: str | None) -> frozenset[Caller] | None:
    """Who may call it; None for a route that names nobody."""
    view = app.view_functions.get(endpoint or "")
    found: frozenset[Caller] | None = getattr(view, _CALLERS, None)
    return found


def install_access(app: Flask, settings: Settings) -> None:
    """Check every request of this app, before its route is looked at."""

    def check() -> None:
        g.principal = _who(settings)
        _check_callers(callers_of(app, request.endpoint) or ())

    app.before_request(check)


def _who(settings: Settings) -> Principal:
    if HEADER in request.headers:
        return read_identity(settings.pizza_secret, request.headers[HEADER])
    return EVERY_ROLE


def _check_callers(callers: Iterable[Caller]) -> None:
    if EVENT in callers:
        check_delivery()
    if RECORDS in callers:
        check_sidecar()
