"""The kitchen's HTTP side: routes, and the parts put together."""

import sys
from typing import Any

from flask import current_app
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI

from kitchen import Kitchen
from pizza_common.answers import OrderAnswer, UndoAnswer
from pizza_common.order import CookOrder, OrderPath, Undo
from pizza_common.service import problem_docs, run_service, service_app
from pizza_common.settings import Settings, settings_of
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace

SERVICE = "pizza-kitchen"

api = APIBlueprint("kitchen", __name__, abp_responses=problem_docs(400, 413, 503))


@api.post("/cook", responses={200: OrderAnswer, **problem_docs(409)})
def cook(body: CookOrder) -> dict[str, Any]:
    """Cook an order; asked twice, give the first answer again."""
    kitchen: Kitchen = current_app.extensions["kitchen"]
    return kitchen.cook(body.with_id())


@api.post("/cook/<order_id:order_id>/discard", responses={200: UndoAnswer, **problem_docs(404)})
def discard(path: OrderPath, body: Undo) -> dict[str, Any]:
    """Throw the order's pizza away, or see to it that it is not begun."""
    kitchen: Kitchen = current_app.extensions["kitchen"]
    return kitchen.discard(path.order_id, body)


def create_app(
    settings: Settings | None = None, sidecar: Sidecar | None = None, pace: Pace | None = None
) -> OpenAPI:
    """The service; tests pass their own parts, `python3 app.py` passes only settings."""
    settings = settings or settings_of(SERVICE)
    sidecar = sidecar or Sidecar(settings)
    pace = pace or Pace(settings.pizza_time_scale)
    app = service_app(SERVICE, settings, checks={"sidecar": sidecar.is_ready})
    app.extensions["hooks"].stopping.append(pace.stop)
    app.extensions["hooks"].stopped.append(sidecar.close)
    app.extensions["kitchen"] = Kitchen(sidecar, pace)
    app.register_api(api)
    return app


if __name__ == "__main__":
    sys.exit(run_service(SERVICE, create_app))
