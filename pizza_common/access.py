"""Who may call a route: each names its callers, and one check before it holds them to that."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from flask import Flask, g, request

from pizza_common.app_token import check_delivery, check_sidecar
from pizza_common.credentials import Credentials
from pizza_common.errors import Forbidden, Unauthenticated
from pizza_common.principal import NOBODY, Principal, Role, principal
from pizza_common.settings import Settings

Caller = Role | Literal["anyone", "page", "step", "records", "event"]
Callers = frozenset[Caller]

ANYONE: Caller = "anyone"
PAGE: Caller = "page"
"""A page, which knows by its session who looks: a proxy in front may use Authorization itself."""
STEP: Caller = "step"
"""Another service of the shop, by the own sidecar; anyone in development."""
RECORDS: Caller = "records"
"""As STEP; in development still the own sidecar, if there is an APP_API_TOKEN."""
EVENT: Caller = "event"
"""The own sidecar with an event of a topic."""

Route = TypeVar("Route", bound=Callable[..., Any])

_MARK = "__callers__"


def allow(*callers: Caller) -> Callable[[Route], Route]:
    """Name who may call a route; stands under the decorator of the route."""

    def mark(route: Route) -> Route:
        setattr(route, _MARK, frozenset(callers))
        return route

    return mark


def callers_of(app: Flask, endpoint: str) -> Callers:
    """Who may call a route; nobody, when it does not say."""
    found: Callers = getattr(app.view_functions[endpoint], _MARK, frozenset())
    return found


def install_access(app: Flask, settings: Settings) -> None:
    """Check every request of this app, before its route is looked at."""
    credentials = Credentials(settings)
    app.extensions["hooks"].stopped.append(credentials.close)

    def check() -> None:
        g.principal = NOBODY
        if request.endpoint is None or PAGE in (callers := callers_of(app, request.endpoint)):
            return
        g.principal = credentials.principal(request.headers)
        if not is_documentation():
            _check(callers, settings.asks_who)

    app.before_request(check)


def is_documentation() -> bool:
    """Whether it is asked for what flask-openapi serves."""
    return request.path == "/openapi" or request.path.startswith("/openapi/")


def _check(callers: Callers, asks_who: bool) -> None:
    """Raises Unauthorized, Forbidden."""
    asked_by, is_step = principal(), bool(callers & {STEP, RECORDS})
    if EVENT in callers:
        check_delivery()
        return
    if RECORDS in callers:
        check_sidecar()
    if ANYONE in callers or _has_role(asked_by, callers):
        return
    if not asks_who and (is_step or not callers):
        return
    if is_step and asked_by.has("service"):
        check_sidecar()
    elif asked_by == NOBODY:
        raise Unauthenticated("Say who you are: Authorization: Bearer <token>.")
    else:
        raise Forbidden("Your role may not ask for this.")


def _has_role(asked_by: Principal, callers: Callers) -> bool:
    """Whether it has a role that is named; a customer has it for one order only."""
    if asked_by.roles & callers - {"customer"}:
        return True
    if "customer" not in asked_by.roles & callers or asked_by.order_id is None:
        return False
    return asked_by.order_id == _order_asked_for()


def _order_asked_for() -> str | None:
    """The order of the path, or of the body. Raises BadInput for a body that is none."""
    order_id = (request.view_args or {}).get("order_id") or request.get_json().get("order_id")
    return order_id if isinstance(order_id, str) else None
