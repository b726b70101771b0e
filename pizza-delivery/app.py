"""The delivery's HTTP side: routes, and the parts put together."""

import sys
from typing import Any

from flask import current_app
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI

from delivery import Delivery
from pizza_common.answers import OrderAnswer, UndoAnswer
from pizza_common.order import Order, OrderPath, Undo
from pizza_common.service import problem_docs, run_service, service_app
from pizza_common.settings import Settings, settings_of
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace

SERVICE = "pizza-delivery"

api = APIBlueprint("delivery", __name__, abp_responses=problem_docs(400, 413, 503))


class DeliveredOrder(OrderAnswer):
    """The delivered order, and who brought it."""

    driver: str


@api.post("/deliver", responses={200: DeliveredOrder, **problem_docs(409)})
def deliver(body: Order) -> dict[str, Any]:
    """Deliver an order; asked twice, give the first answer again."""
    delivery: Delivery = current_app.extensions["delivery"]
    return delivery.deliver(body.with_id())


@api.post("/deliver/<order_id:order_id>/recall", responses={200: UndoAnswer, **problem_docs(404)})
def recall(path: OrderPath, body: Undo) -> dict[str, Any]:
    """Call the order's driver back, or see to it that none is sent."""
    delivery: Delivery = current_app.extensions["delivery"]
    return delivery.recall(path.order_id, body)


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
    app.extensions["delivery"] = Delivery(sidecar, pace)
    app.register_api(api)
    return app


if __name__ == "__main__":
    sys.exit(run_service(SERVICE, create_app))
