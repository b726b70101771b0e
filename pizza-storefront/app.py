"""The storefront's HTTP side: routes, and the parts put together."""

import sys
from typing import Any, Literal

from flask import current_app
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel, Field

from pizza_common.access import ANYONE, STEP, allow
from pizza_common.announcer import Announcer
from pizza_common.answers import OrderAnswer, UndoAnswer
from pizza_common.order import (
    OfOrder,
    Order,
    OrderId,
    OrderPath,
    PizzaType,
    Size,
    StepOrder,
    StrictModel,
    Time,
    Undo,
)
from pizza_common.records import records_route
from pizza_common.retention import Retention
from pizza_common.service import problem_docs, run_service, service_app
from pizza_common.settings import settings_for, settings_of
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace
from pizza_common.status import Status
from quotes import Quote, QuoteRequest
from quotes import quote as quote_of
from storefront import Storefront, total_cents
from storefront import menu as todays_menu
from storefront_settings import StorefrontSettings
from till import Till

SERVICE = "pizza-storefront"
ABOUT = "Takes orders: menu, prices and payments."

PaymentStatus = Literal["none", "authorized", "captured", "voided", "refunded"]

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


class PayOrder(Order):
    """An order to be paid; `free_cents` is what the customer need not pay of it."""

    free_cents: int = Field(default=0, ge=0, le=10_000_000)


class Paid(BaseModel):
    """What became of the money that was set aside for an order."""

    order_id: OrderId
    status: PaymentStatus
    amount_cents: int


class Payment(BaseModel):
    """All amounts of a payment; what was set aside stays `authorized_cents` in every status.

    `free_cents` is what the customer need not pay, and in none of the other amounts.
    """

    order_id: OrderId
    status: PaymentStatus
    authorized_cents: int
    captured_cents: int
    refunded_cents: int
    free_cents: int


class Receipt(BaseModel):
    """What was taken for an order that is forgotten, and when it was forgotten."""

    status: Literal["captured", "refunded"]
    authorized_cents: int
    captured_cents: int
    refunded_cents: int
    at: str


class Receipts(BaseModel):
    """One for each forgotten order of this id whose money was taken, the first one first."""

    order_id: OrderId
    receipts: list[Receipt]


class Confirm(StrictModel):
    """What to tell the customer."""

    order: Order
    total_cents: int = Field(ge=0)
    estimated_at: Time


class Confirmed(BaseModel):
    """What the customer was told."""

    order_id: OrderId
    status: Status
    total_cents: int
    estimated_at: str


@api.get("/menu", responses={200: Menu})
@allow(ANYONE)
def menu() -> dict[str, Any]:
    """What can be ordered, and for how much."""
    return todays_menu()


@api.post("/quotes", responses={200: Quote})
@allow(ANYONE)
def quote(body: QuoteRequest) -> dict[str, Any]:
    """What an order would cost now; nothing is ordered."""
    sidecar: Sidecar = current_app.extensions["sidecar"]
    return quote_of(sidecar, body)


@api.post("/order", responses={200: TakenOrder, **problem_docs(409)})
@allow(STEP)
def order(body: StepOrder) -> dict[str, Any]:
    """Take an order; asked twice, give the first answer again."""
    return _storefront().order(body.with_id())


@api.post(
    "/orders/<order_id:order_id>/confirm", responses={200: Confirmed, **problem_docs(404, 409)}
)
@allow(STEP)
def confirm_order(path: OrderPath, body: Confirm) -> dict[str, Any]:
    """Tell the customer what the order costs and when it comes."""
    order = body.order.under_id(path.order_id)
    return _storefront().confirm(order, body.total_cents, body.estimated_at)


@api.post("/orders/<order_id:order_id>/cancel", responses={200: UndoAnswer, **problem_docs(404)})
@allow(STEP, "operator")
def cancel_order(path: OrderPath, body: Undo) -> dict[str, Any]:
    """Tell the customer, and see to it that the order is not taken any more."""
    return _storefront().cancel(path.order_id, body.under_id(path.order_id))


@api.post("/payments", responses={200: Paid, **problem_docs(409)})
@allow(STEP)
def authorize_payment(body: PayOrder) -> dict[str, Any]:
    """Set aside what an order costs; asked twice, give the first answer again."""
    order = body.with_id()
    return _till().authorize(order, total_cents(order), body.free_cents)


@api.get("/payments/<order_id:order_id>", responses={200: Payment, **problem_docs(404)})
@allow("customer", "kitchen", "manager", "operator")
def payment(path: OrderPath) -> dict[str, Any]:
    """Where the payment of an order stands."""
    return _till().find(path.order_id)


@api.get("/payments/<order_id:order_id>/receipts", responses={200: Receipts, **problem_docs(404)})
@allow("operator")
def receipts(path: OrderPath) -> dict[str, Any]:
    """What was taken for forgotten orders that had this id."""
    return {"order_id": path.order_id, "receipts": _till().receipts(path.order_id)}


@api.post("/payments/<order_id:order_id>/capture", responses={200: Paid, **problem_docs(404, 409)})
@allow(STEP)
def capture_payment(path: OrderPath, body: OfOrder) -> dict[str, Any]:
    """Take all that was set aside."""
    body.under_id(path.order_id)
    return _till().capture(path.order_id)


@api.post("/payments/<order_id:order_id>/refund", responses={200: Paid, **problem_docs(404)})
@allow(STEP, "operator")
def refund_payment(path: OrderPath, body: OfOrder) -> dict[str, Any]:
    """Give back all that was set aside or taken, or see to it that nothing is."""
    body.under_id(path.order_id)
    return _till().refund(path.order_id)


def create_app(
    settings: StorefrontSettings | None = None,
    sidecar: Sidecar | None = None,
    pace: Pace | None = None,
) -> OpenAPI:
    """The service; tests pass their own parts, `python3 app.py` passes only settings."""
    settings = settings or settings_of(SERVICE, StorefrontSettings)
    sidecar = sidecar or Sidecar(settings, SERVICE)
    pace = pace or Pace(settings.pizza_time_scale)
    app = service_app(SERVICE, settings, {"sidecar": sidecar.is_ready}, about=ABOUT)
    app.extensions["hooks"].stopping.append(pace.stop)
    app.extensions["hooks"].stopped.append(sidecar.close)
    announcer = Announcer(sidecar, SERVICE)
    storefront = Storefront(sidecar, pace, announcer)
    till = Till(sidecar, announcer, Retention(settings.pizza_receipt_days))
    app.extensions |= {"storefront": storefront, "till": till, "sidecar": sidecar}
    app.register_api(api)
    app.register_api(records_route(lambda order_id: forget(storefront, till, order_id)))
    return app


def forget(storefront: Storefront, till: Till, order_id: str) -> None:
    """Keep nothing of an order that is over but the receipt of what was taken."""
    storefront.forget(order_id)
    till.forget(order_id)


def _storefront() -> Storefront:
    storefront: Storefront = current_app.extensions["storefront"]
    return storefront


def _till() -> Till:
    till: Till = current_app.extensions["till"]
    return till


if __name__ == "__main__":
    sys.exit(run_service(SERVICE, create_app, settings_for(StorefrontSettings)))
