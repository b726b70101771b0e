"""The delivery's HTTP side: routes, and the parts put together."""

import sys
from http import HTTPStatus
from typing import Any

from flask import current_app
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel

from delivery import Delivery
from delivery_settings import DeliverySettings
from pizza_common.access import STEP, allow
from pizza_common.answers import OrderAnswer, UndoAnswer
from pizza_common.order import OrderPath, StepOrder, Undo
from pizza_common.records import records_route
from pizza_common.service import problem_docs, run_service, service_app
from pizza_common.settings import settings_for, settings_of
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace
from pizza_common.status import Status

SERVICE = "pizza-delivery"
ABOUT = "Delivers orders, and knows its drivers."

api = APIBlueprint("delivery", __name__, abp_responses=problem_docs(400, 413, 503))


class DeliveredOrder(OrderAnswer):
    """The delivered order, and who brought it."""

    driver: str


class WaitingOrder(OrderAnswer):
    """The order, which has to be asked for again: every driver is on the road."""


class RecallAnswer(UndoAnswer):
    """The delivery is called off; or `delivered`, with the answer of the delivery."""

    driver: str | None = None


class Driver(BaseModel):
    """A driver; without an order, a free one."""

    driver: str
    order_id: str | None


class Roster(BaseModel):
    """All drivers."""

    drivers: list[Driver]


@api.post("/deliver", responses={200: DeliveredOrder, 202: WaitingOrder, **problem_docs(409)})
@allow(STEP)
def deliver(body: StepOrder) -> tuple[dict[str, Any], HTTPStatus]:
    """Deliver an order; asked twice, give the first answer again. 202 while no driver is free."""
    answer = _delivery().deliver(body.with_id())
    waits = answer["status"] == Status.WAITING_FOR_DRIVER
    return answer, HTTPStatus.ACCEPTED if waits else HTTPStatus.OK


@api.post("/deliver/<order_id:order_id>/recall", responses={200: RecallAnswer, **problem_docs(404)})
@allow(STEP, "operator")
def recall(path: OrderPath, body: Undo) -> dict[str, Any]:
    """Call the order's driver back, or see to it that none is sent; too late once delivered."""
    return _delivery().recall(path.order_id, body)


@api.get("/drivers", responses={200: Roster})
@allow("operator")
def drivers() -> dict[str, Any]:
    """Who is on the road with which order."""
    return {"drivers": _delivery().roster()}


def create_app(
    settings: DeliverySettings | None = None,
    sidecar: Sidecar | None = None,
    pace: Pace | None = None,
) -> OpenAPI:
    """The service; tests pass their own parts, `python3 app.py` passes only settings."""
    settings = settings or settings_of(SERVICE, DeliverySettings)
    sidecar = sidecar or Sidecar(settings, SERVICE)
    pace = pace or Pace(settings.pizza_time_scale)
    app = service_app(SERVICE, settings, {"sidecar": sidecar.is_ready}, about=ABOUT)
    app.extensions["hooks"].stopping.append(pace.stop)
    app.extensions["hooks"].stopped.append(sidecar.close)
    app.extensions["delivery"] = delivery = Delivery(
        sidecar, pace, settings.pizza_drivers, settings.pizza_driver_wait_seconds
    )
    app.register_api(api)
    app.register_api(records_route(delivery.forget))
    return app


def _delivery() -> Delivery:
    delivery: Delivery = current_app.extensions["delivery"]
    return delivery


if __name__ == "__main__":
    sys.exit(run_service(SERVICE, create_app, settings_for(DeliverySettings)))
