"""The app factory of all services: problems, health, docs, request ids, body limit."""

import re
import uuid
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

from pizza_common.errors import BadInput, Unavailable
from pizza_common.faults import install_faults
from pizza_common.metrics import PAGE_TYPE, Metrics
from pizza_common.order import ORDER_ID
from pizza_common.problems import Problem, install_problems, problem_docs, refuse_input
from pizza_common.request_meter import install_meter
from pizza_common.server import Hooks, run_service
from pizza_common.settings import Settings

__all__ = ["Checks", "problem_docs", "run_service", "service_app"]

Checks = Mapping[str, Callable[[], bool]]

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

health = APIBlueprint("health", __name__)


class Health(BaseModel):
    """The answer of a healthy service."""

    status: str = "ok"


class JsonRequest(Request):
    """Reads a JSON object whatever its content type says; no body counts as an empty object."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """The body. Raises BadInput when it is no JSON object, 413 when it is too long."""
        del force, silent
        if not self.get_data(cache=cache).strip():
            return {}
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
    name: str, settings: Settings, checks: Checks | None = None, metrics: Metrics | None = None
) -> OpenAPI:
    """An app of that name with nothing but what all share.

    `checks` are asked by /readyz, by name. What has to happen when the app begins and ends to
    serve is added to `app.extensions["hooks"]`, a Hooks; what it counts is made by
    `app.extensions["metrics"]`, a Metrics.
    """
    app = OpenAPI(
        name,
        info=Info(title=name, version="1.0.0"),
        validation_error_status=HTTPStatus.BAD_REQUEST.value,
        validation_error_model=Problem,
        validation_error_callback=refuse_input,
    )
    app.openapi_version = "3.1.0"
    app.request_class = JsonRequest
    app.config["MAX_CONTENT_LENGTH"] = settings.pizza_max_body_bytes
    app.url_map.converters["order_id"] = OrderIdConverter
    metrics = metrics or Metrics()
    app.extensions |= {"hooks": Hooks(), "checks": dict(checks or {}), "metrics": metrics}
    install_problems(app)
    app.before_request(_begin_request)
    app.after_request(_end_request)
    install_meter(app, metrics)
    app.register_api(health)
    if settings.pizza_faults:
        install_faults(app)
    return app


@health.get("/healthz", responses={200: Health})
def healthz() -> dict[str, Any]:
    """The process is alive."""
    return Health().model_dump()


@health.get("/readyz", responses={200: Health, **problem_docs(503)})
def readyz() -> dict[str, Any]:
    """The service can work: its sidecar answers."""
    checks: Checks = current_app.extensions["checks"]
    missing = [name for name, is_ready in checks.items() if not is_ready()]
    if missing:
        raise Unavailable(f"Not ready: {', '.join(missing)}")
    return Health().model_dump()


@health.get("/metrics", responses={200: {"content": {PAGE_TYPE: {}}}, **problem_docs(404)})
def metrics() -> Response:
    """The service's numbers, for Prometheus."""
    page: Metrics = current_app.extensions["metrics"]
    return Response(page.page(), content_type=PAGE_TYPE)


def _begin_request() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=current_app.name, request_id=g.request_id)


def _end_request(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    return response
