"""The kitchen's HTTP side: routes, and the parts put together."""

import sys
from typing import Annotated, Any, Literal

from flask import current_app
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel, Field

from kitchen import Kitchen
from kitchen_board import BoardPizza, KitchenBoard
from kitchen_settings import KitchenSettings
from larder import Larder
from pizza_common.access import STEP, allow
from pizza_common.announcer import Announcer
from pizza_common.answers import OrderAnswer, UndoAnswer
from pizza_common.errors import BadInput
from pizza_common.order import (
    Attempt,
    CookOrder,
    Order,
    OrderId,
    OrderPath,
    PizzaType,
    Size,
    StrictModel,
    Undo,
)
from pizza_common.principal import principal
from pizza_common.records import records_route
from pizza_common.retention import Retention
from pizza_common.service import problem_docs, run_service, service_app
from pizza_common.settings import settings_for, settings_of
from pizza_common.sidecar import Sidecar
from pizza_common.stages import Pace
from pizza_common.status import Status
from pizza_progress import PizzaProgress
from stock import Levels, Restock, marked_low

SERVICE = "pizza-kitchen"
ABOUT = "Cooks pizzas, and keeps the stock of ingredients."

api = APIBlueprint("kitchen", __name__, abp_responses=problem_docs(400, 413, 503))


class PizzaPath(OrderPath):
    """One pizza of an order, counted from 1 over all its items."""

    number: int


class CookPizza(StrictModel):
    """An order of which one pizza is to be cooked; `pizza`, when sent, is the path's number."""

    order: Order
    pizza: int | None = None
    attempt: Attempt = 1


class CookedPizza(BaseModel):
    """One pizza is done."""

    order_id: OrderId
    pizza: int
    pizza_type: PizzaType
    size: Size
    attempt: Attempt
    status: Status


class OrderPizzas(BaseModel):
    """All pizzas of an order, and how far each is."""

    order_id: OrderId
    pizzas: list[PizzaProgress]


class Board(BaseModel):
    """Pizzas that are to be cooked, cook, or wait for the manager; `more` if there may be others.

    `column` is waiting, cooking, validation (the manager's) or remaking; `since` is when the shop
    got the order.
    """

    pizzas: list[BoardPizza]
    more: bool


class Level(BaseModel):
    """Units of one ingredient; available, reserved and used make up what was bought.

    `low` says that a person should buy some.
    """

    available: int
    reserved: int
    used: int
    bought: int
    low: bool


class Stock(BaseModel):
    """All ingredients."""

    stock: dict[str, Level]


class StockChange(BaseModel):
    """A purchase, or a correction: so many units more or less, and what was available then.

    `by` is "" when nobody in particular asked for it.
    """

    at: str
    by: str
    ingredient: str
    action: Literal["bought", "corrected"]
    units: int
    available: int
    reason: str | None
    idempotency_key: str | None


class StockChanges(BaseModel):
    """The last changes, the latest first."""

    changes: list[StockChange]


class IngredientPath(BaseModel):
    """An ingredient, as GET /stock names it."""

    ingredient: Annotated[str, Field(max_length=40)]


class OnceHeader(BaseModel):
    """Deliveries of an ingredient with the same key count once; for another it is a 409."""

    idempotency_key: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,64}$")] | None = Field(
        default=None, alias="Idempotency-Key"
    )


class Reserved(BaseModel):
    """What is set aside for an order."""

    order_id: OrderId
    status: str
    ingredients: dict[str, int]


class ReservationState(Reserved):
    """What is still set aside for an order, and what it used."""

    used: dict[str, int]


@api.post("/cook", responses={200: OrderAnswer, **problem_docs(409)})
@allow(STEP)
def cook(body: CookOrder) -> dict[str, Any]:
    """Cook an order; asked twice, give the first answer again."""
    return _kitchen().cook(body.with_id())


@api.post(
    "/cook/<order_id:order_id>/pizzas/<int:number>",
    responses={200: CookedPizza, **problem_docs(404, 409)},
)
@allow(STEP)
def cook_pizza(path: PizzaPath, body: CookPizza) -> dict[str, Any]:
    """Cook one pizza of an order; asked twice, give the first answer again."""
    if body.pizza not in (None, path.number):
        raise BadInput("Cannot use: pizza", [("pizza", "is not that of the path")])
    order = body.order.under_id(path.order_id)
    return _kitchen().cook_pizza(order, path.number, body.attempt)


@api.get("/cook/<order_id:order_id>", responses={200: OrderPizzas, **problem_docs(404)})
@allow("customer", "kitchen", "manager", "operator")
def order_pizzas(path: OrderPath) -> dict[str, Any]:
    """How far each pizza of an order is; known from the moment its ingredients are set aside."""
    pizzas = _kitchen().pizzas(path.order_id)
    return OrderPizzas(order_id=path.order_id, pizzas=pizzas).model_dump(mode="json")


@api.post("/cook/<order_id:order_id>/discard", responses={200: UndoAnswer, **problem_docs(404)})
@allow(STEP, "operator")
def discard(path: OrderPath, body: Undo) -> dict[str, Any]:
    """Throw the order's pizzas away, or see to it that they are not begun."""
    return _kitchen().discard(path.order_id, body.under_id(path.order_id))


@api.get("/pizzas", responses={200: Board})
@allow("kitchen", "manager", "operator")
def board() -> dict[str, Any]:
    """The pizzas of unfinished orders, those of the oldest orders first; at most 200."""
    kitchen_board: KitchenBoard = current_app.extensions["board"]
    pizzas, more = kitchen_board.pizzas()
    return Board(pizzas=pizzas, more=more).model_dump(mode="json")


@api.get("/stock", responses={200: Stock})
@allow("kitchen", "manager", "operator", "service")
def stock() -> dict[str, Any]:
    """What there is of each ingredient."""
    return _shown(_larder().levels())


@api.get("/stock/changes", responses={200: StockChanges})
@allow("kitchen", "operator")
def stock_changes() -> dict[str, Any]:
    """The last 100 purchases and corrections: who changed what, when and why."""
    return {"changes": _larder().changes()}


@api.put("/stock/<ingredient>", responses={200: Stock, **problem_docs(404, 409)})
@allow("kitchen", "operator", "service")
def restock(path: IngredientPath, header: OnceHeader, body: Restock) -> dict[str, Any]:
    """Set, or add to, what is available of an ingredient."""
    key, by = header.idempotency_key, principal().name
    return _shown(_larder().restock(path.ingredient, body, key, by))


@api.post("/stock/reservations", responses={200: Reserved, **problem_docs(409)})
@allow(STEP)
def reserve_stock(body: Order) -> dict[str, Any]:
    """Set aside what an order needs; asked twice, give the first answer again."""
    return _larder().reserve(body.with_id())


@api.get(
    "/stock/reservations/<order_id:order_id>",
    responses={200: ReservationState, **problem_docs(404)},
)
@allow("kitchen", "operator")
def reservation(path: OrderPath) -> dict[str, Any]:
    """What is set aside for an order, and what it used."""
    return _larder().reservation(path.order_id)


@api.delete(
    "/stock/reservations/<order_id:order_id>", responses={200: UndoAnswer, **problem_docs(404)}
)
@allow(STEP, "operator")
def release_stock(path: OrderPath) -> dict[str, Any]:
    """Give back what was not used, or see to it that nothing is set aside any more."""
    return _larder().release(path.order_id)


def create_app(
    settings: KitchenSettings | None = None,
    sidecar: Sidecar | None = None,
    pace: Pace | None = None,
) -> OpenAPI:
    """The service; tests pass their own parts, `python3 app.py` passes only settings."""
    settings = settings or settings_of(SERVICE, KitchenSettings)
    sidecar = sidecar or Sidecar(settings, SERVICE)
    pace = pace or Pace(settings.pizza_time_scale)
    app = service_app(SERVICE, settings, {"sidecar": sidecar.is_ready}, about=ABOUT)
    app.extensions["hooks"].stopping.append(pace.stop)
    app.extensions["hooks"].stopped.append(sidecar.close)
    keep = Retention(settings.pizza_retention_days)
    larder = Larder(sidecar, Announcer(sidecar, SERVICE), settings.pizza_stock, keep.mark_seconds)
    kitchen = Kitchen(sidecar, pace, larder)
    app.extensions |= {"larder": larder, "kitchen": kitchen, "low": settings.pizza_stock_low}
    app.extensions["board"] = KitchenBoard(sidecar, kitchen)
    app.register_api(api)
    app.register_api(records_route(kitchen.forget))
    return app


def _kitchen() -> Kitchen:
    kitchen: Kitchen = current_app.extensions["kitchen"]
    return kitchen


def _larder() -> Larder:
    larder: Larder = current_app.extensions["larder"]
    return larder


def _shown(levels: Levels) -> dict[str, Any]:
    below: int = current_app.extensions["low"]
    return {"stock": marked_low(levels, below)}


if __name__ == "__main__":
    sys.exit(run_service(SERVICE, create_app, settings_for(KitchenSettings)))
