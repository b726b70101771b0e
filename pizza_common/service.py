"""The app factory of all services: problems, health, docs, request ids, body limit."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Request, Response, current_app, g, request
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.info import Info
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel
from werkzeug.routing import BaseConverter

from pizza_common import request_id
from pizza_common.access import ANYONE, allow, install_access
from pizza_common.cross_site import install_cross_site_checks, is_of_browser
from pizza_common.documented_app import SECURITY_SCHEMES, DocumentedApp
from pizza_common.errors import BadInput, Unavailable, WrongMediaType
from pizza_common.faults import install_faults
from pizza_common.front_page import install_front_page
from pizza_common.metrics import PAGE_TYPE, Metrics
from pizza_common.order import ORDER_ID
from pizza_common.problems import Problem, install_problems, problem_docs, refuse_input
from pizza_common.request_meter import install_meter
from pizza_common.server import Hooks, run_service
from pizza_common.settings import Settings

__all__ = ["Checks", "problem_docs", "run_service", "service_app"]

Checks = Mapping[str, Callable[[], bool]]

_RULES = """

Every error is a problem (RFC 9457). Besides those that a route names, every route answers 421 when
the header Host names another host than the service's, and those that change something answer 403
to a page of another origin, and 415 when a browser sends the body as something else than JSON. A
token that has to be checked with a sign-in provider that does not answer is a 503.

`x-roles` of a route says who may call it, where the service asks who calls."""

health = APIBlueprint("health", __name__)


class Health(BaseModel):
    """The answer of a healthy service."""

    status: str = "ok"


class JsonRequest(Request):
    """Reads a JSON object; no body counts as an empty object.

    Its content type matters only from a browser, which asks a service before it sends JSON from
    a page of another origin, but not before it sends a form or plain text.
    """

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body. Raises BadInput, WrongMediaType, and 413 when it is too long."""
        del force, silent
        if not self.get_data(cache=cache).strip():
            return {}
        if not self.is_json and is_of_browser(self.headers):
            raise WrongMediaType("A browser has to send JSON as application/json.")
        try:
            body = super().get_json(force=True, cache=cache)
        except RecursionError:
            raise BadInput("The body is nested too deeply.") from None
        if not isinstance(body, dict):
            raise BadInput("The body must be a JSON object.")
        return body

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Werkzeug calls this for a body that cannot be parsed."""
        raise BadInput("The body is not JSON.") from e


class OrderIdConverter(BaseConverter):
    """A path with a malformed order id is an unknown path."""

    regex = ORDER_ID


def service_app(
    name: str,
    settings: Settings,
    checks: Checks | None = None,
    metrics: Metrics | None = None,
    *,
    about: str = "",
    front_page: bool = True,
) -> OpenAPI:
    """An app of that name with nothing but what all share; `about` it is one sentence.

    Without `front_page` the app has one of its own at `/`.

    `checks` are asked by /readyz, by name. What has to happen when the app begins and ends to
    serve is added to `app.extensions["hooks"]`, a Hooks; what it counts is made by
    `app.extensions["metrics"]`, a Metrics.
    """
    app = _documented(name, about)
    app.config["MAX_CONTENT_LENGTH"] = settings.pizza_max_body_bytes
    app.url_map.converters["order_id"] = OrderIdConverter
    metrics = metrics or Metrics()
    app.extensions |= {"hooks": Hooks(), "checks": dict(checks or {}), "metrics": metrics}
    app.extensions["app_token"] = settings.app_api_token
    install_problems(app)
    app.before_request(_begin_request)
    app.after_request(_end_request)
    install_meter(app, metrics)
    install_cross_site_checks(app, settings)
    install_access(app, settings)
    install_front_page(app, about, front_page)
    app.register_api(health)
    if settings.pizza_faults:
        install_faults(app)
    return app


def _documented(name: str, about: str) -> OpenAPI:
    app = DocumentedApp(
        name,
        static_folder=None,
        info=Info(title=name, version="1.0.0", description=about + _RULES),
        validation_error_status=HTTPStatus.BAD_REQUEST.value,
        validation_error_model=Problem,
        validation_error_callback=refuse_input,
        security_schemes=SECURITY_SCHEMES,
    )
    app.openapi_version = "3.1.0"
    app.request_class = JsonRequest
    return app


@health.get("/healthz", responses={200: Health})
@allow(ANYONE)
def healthz() -> dict[str, Any]:
    """The process is alive."""
    return Health().model_dump()


@health.get("/readyz", responses={200: Health, **problem_docs(503)})
@allow(ANYONE)
def readyz() -> dict[str, Any]:
    """The service can work: its sidecar answers."""
    checks: Checks = current_app.extensions["checks"]
    missing = [name for name, is_ready in checks.items() if not is_ready()]
    if missing:
        raise Unavailable(f"Not ready: {', '.join(missing)}")
    return Health().model_dump()


@health.get("/metrics", responses={200: {"content": {PAGE_TYPE: {}}}, **problem_docs(404)})
@allow(ANYONE)
def metrics() -> Response:
    """The service's numbers, for Prometheus."""
    page: Metrics = current_app.extensions["metrics"]
    return Response(page.page(), content_type=PAGE_TYPE)


def _begin_request() -> None:
    g.request_id = request_id.request_id(request.headers.get(request_id.HEADER, ""))
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=current_app.name, request_id=g.request_id)


def _end_request(response: Response) -> Response:
    response.headers[request_id.HEADER] = g.request_id
    # A page of another origin must not have its reader click in the documentation's forms.
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
