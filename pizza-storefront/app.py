"""The storefront's HTTP side: routes, and the parts put together."""

import sys
from typing import Any

from flask import current_app
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel

from pizza_common.answers import OrderAnswer, UndoAnswer
from pizza_common.order import Order, OrderPath, PizzaType, Size, Undo
from pizza_common.service import problem_docs, run_service, service_app
from pizza_common.settings import Settings, settings_of
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace
from storefront import Storefront
from storefront import menu as todays_menu

SERVICE = "pizza-storefront"

api = APIBlueprint("storefront", __name__, abp_responses=problem_docs(400, 413, 503))


class MenuPizza(BaseModel):
    """A pizza and its prices in cents."""

    pizza_type: PizzaType
    prices: dict[Size, int]


class Menu(BaseModel):
    """What can be ordered."""

    sizes: list[Size]
    currency: str
    pizzas: list[MenuPizza]


class TakenOrder(OrderAnswer):
    """The confirmed order, and what it costs."""

    total_cents: int


@api.get("/menu", responses={200: Menu})
def menu() -> dict[str, Any]:
    """What can be ordered, and for how much."""
    return todays_menu()


@api.post("/order", responses={200: TakenOrder, **problem_docs(409)})
def order(body: Order) -> dict[str, Any]:
    """Take an order; asked twice, give the first answer again."""
    storefront: Storefront = current_app.extensions["storefront"]
    return storefront.order(body.with_id())


@api.post("/orders/<order_id:order_id>/cancel", responses={200: UndoAnswer, **problem_docs(404)})
def cancel(path: OrderPath, body: Undo) -> dict[str, Any]:
    """Refund an order, or see to it that it is not taken."""
    storefront: Storefront = current_app.extensions["storefront"]
    return storefront.cancel(path.order_id, body)


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
    app.extensions["storefront"] = Storefront(sidecar, pace)
    app.register_api(api)
    return app


if __name__ == "__main__":
    sys.exit(run_service(SERVICE, create_app))
