"""The loyalty service's HTTP side: routes, and the parts put together."""

import sys
from typing import Annotated, Any

from flask import current_app
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel, Field

from loyalty import Loyalty
from pizza_common.access import RECORDS, STEP, allow
from pizza_common.order import CUSTOMER_KEY, OrderId, OrderPath, StrictModel
from pizza_common.records import Forgotten, records_api
from pizza_common.retention import Retention
from pizza_common.service import problem_docs, run_service, service_app
from pizza_common.settings import Settings, settings_of
from pizza_common.sidecar import Sidecar
from pizza_common.subscription import orders_subscription

SERVICE = "pizza-loyalty"
ABOUT = "Counts each customer's orders: every tenth has a free pizza."

api = APIBlueprint("loyalty", __name__, abp_responses=problem_docs(400, 413, 503))
records = records_api()


class CustomerPath(BaseModel):
    """A customer: name and phone in small letters, as in `john-doe.5550123`."""

    customer: Annotated[str, Field(pattern=CUSTOMER_KEY)]


class Beginning(StrictModel):
    """How many orders the customer had before."""

    delivered: int = Field(ge=0, le=1_000_000)


class Claim(StrictModel):
    """The order that asks whether it has a free pizza."""

    order_id: OrderId


class Gift(BaseModel):
    """Whether the order has a free pizza."""

    customer: str
    order_id: OrderId
    free: bool


class LoyaltyCard(BaseModel):
    """How many orders the customer had; `free_next` when the next has a free pizza."""

    customer: str
    delivered: int
    free_next: bool


@api.get("/loyalty/<customer>", responses={200: LoyaltyCard})
@allow("operator", "service")
def card(path: CustomerPath) -> dict[str, Any]:
    """A customer's card; one who never ordered has an empty one."""
    return _loyalty().card(path.customer)


@api.post("/loyalty/<customer>/gifts", responses={200: Gift})
@allow(STEP)
def claim(path: CustomerPath, body: Claim) -> dict[str, Any]:
    """Claim the customer's gift for an order; asked twice, give the first answer again."""
    return _loyalty().claim(path.customer, body.order_id)


@api.post("/loyalty/<customer>/initialize", responses={200: LoyaltyCard})
@allow("operator")
def initialize(path: CustomerPath, body: Beginning) -> dict[str, Any]:
    """Begin, or correct, a customer's count."""
    return _loyalty().initialize(path.customer, body.delivered)


@records.delete("/records/<order_id:order_id>", responses={200: Forgotten, **problem_docs(404)})
@allow(RECORDS)
def forget_records(path: OrderPath, query: CustomerPath) -> dict[str, Any]:
    """Forget what is kept of a customer's order that is over; pizza-workflow asks for it."""
    _loyalty().forget(query.customer, path.order_id)
    return Forgotten(order_id=path.order_id).model_dump()


def create_app(settings: Settings | None = None, sidecar: Sidecar | None = None) -> OpenAPI:
    """The service; tests pass their own parts, `python3 app.py` passes only settings."""
    settings = settings or settings_of(SERVICE)
    sidecar = sidecar or Sidecar(settings, SERVICE)
    app = service_app(SERVICE, settings, {"sidecar": sidecar.is_ready}, about=ABOUT)
    app.extensions["hooks"].stopped.append(sidecar.close)
    keep = Retention(settings.pizza_retention_days)
    app.extensions["loyalty"] = loyalty = Loyalty(sidecar, keep)
    app.register_api(api)
    app.register_api(records)
    app.register_api(orders_subscription(loyalty.note))
    return app


def _loyalty() -> Loyalty:
    loyalty: Loyalty = current_app.extensions["loyalty"]
    return loyalty


if __name__ == "__main__":
    sys.exit(run_service(SERVICE, create_app))
