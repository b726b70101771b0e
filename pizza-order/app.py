"""The order book's HTTP side: routes, and the parts put together."""

import sys
from typing import Annotated, Any, Literal

from flask import current_app
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel, ConfigDict, Field

from count_routes import install_counts
from dead_letter_routes import install_dead_letters
from dead_letters import DeadLetters
from order_book import OrderBook
from order_counts import OrderCounts
from order_lists import OrderLists
from order_retention import OrderRetention
from order_search import OrderSearch
from order_watch import OrderWatch
from pizza_common.access import STEP, allow
from pizza_common.answers import OrderAnswer
from pizza_common.order import Attempt, Customer, OrderId, OrderPath, StepOrder
from pizza_common.principal import principal
from pizza_common.privacy import NamedCustomer, shown_to
from pizza_common.records import records_route
from pizza_common.retention import Retention
from pizza_common.service import problem_docs, run_service, service_app
from pizza_common.settings import Settings, settings_of
from pizza_common.sidecar import Sidecar
from pizza_common.status import Status
from pizza_common.subscription import orders_subscription
from progress import State, WaitsFor, progress

SERVICE = "pizza-order"
ABOUT = "The order book: the state of each order, and its timeline."

api = APIBlueprint("orders", __name__, abp_responses=problem_docs(400, 413, 503))


class Registered(BaseModel):
    """It is done; `order_id` is there when the server made it."""

    success: bool = True
    order_id: OrderId | None = None


class TimelineEntry(BaseModel):
    """A status, when it was reached, and which service said so; `attempt` from a remake on.

    `repeat` counts what was said before in the same round. `by` is the person who did it.
    """

    status: Status
    at: str
    service: str
    attempt: Attempt | None = None
    repeat: int | None = None
    detail: str | None = None
    by: str | None = None


class KnownOrder(OrderAnswer):
    """An order; `needs_attention` names what waits for a person.

    That is what could not be undone, and `stuck at <status>` while it stays there too long. The
    kitchen and managers see of the customer but the name.
    """

    customer: Customer | NamedCustomer  # type: ignore[assignment]
    needs_attention: list[str] | None = None


class ListedOrder(KnownOrder):
    """An order of a list, with its round.

    `placed_at` is when the book heard of it first, `updated_at` when it last got on: notices do not
    count.
    """

    placed_at: str
    updated_at: str
    attempt: Attempt
    timeline: list[TimelineEntry] | None = None


class TrackedOrder(KnownOrder):
    """An order and all that happened to it."""

    timeline: list[TimelineEntry]


class StepProgress(BaseModel):
    """A step of an order.

    `share`, from 0 to 1, is how far it is by its stages. `stopped` was begun and will not be
    finished; `skipped` was not begun and will not be. Times and share of a pizza that is made again
    are those of the last round; `usual_seconds` is null where people take their time.
    """

    step: Literal["order", "payment", "cooking", "approval", "delivery"]
    state: State
    began_at: str | None
    ended_at: str | None
    usual_seconds: float | None
    share: float


class Progress(BaseModel):
    """How far an order is.

    `estimated_at` is when it will be there if nothing holds it up, `seconds_left` what that is from
    now on; both are null when it is there or will not be. What it waits for while that takes as
    long as it takes is in `waits_for`; then the estimate is as if the wait ended now. `round` is 1,
    and one more for each remake.
    """

    order_id: OrderId
    status: Status
    placed_at: str
    estimated_at: str | None
    seconds_left: float | None
    waits_for: WaitsFor | None
    is_over: bool
    round: int
    steps: list[StepProgress]


class ListQuery(BaseModel):
    """Which orders to list.

    `status` may be there several times. `open` gives the unfinished ones, `oldest` the same from
    the oldest, with their `timeline` if that is asked for, too. `customer` gives those of a
    customer's key, or of all who have it in their name, `needs_attention` those that wait for a
    person. `stuck` gives the unfinished ones that are in their status longer than it allows, and
    `older_than_seconds` those of which nothing but notices was said for so long.
    """

    model_config = ConfigDict(extra="forbid")

    status: Annotated[list[Status], Field(max_length=len(Status))] = []
    customer: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    open: bool = False
    oldest: bool = False
    timeline: bool = False
    needs_attention: bool = False
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, Field(max_length=40)] | None = None
    stuck: bool = False
    older_than_seconds: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = None


class OrderList(BaseModel):
    """Orders from the newest; `cursor` goes into the next request, null at the end."""

    orders: list[ListedOrder]
    cursor: str | None


class DecisionQuery(BaseModel):
    """How many to list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=100)] = 20


class DecisionEntry(BaseModel):
    """A manager's decision on a round, all pizzas of an order cooked once.

    `by` is "" where nobody said who decided; `remake` is there when the pizzas were made again.
    """

    order_id: OrderId
    round: Attempt
    approved: bool
    remake: bool | None = None
    by: str
    reason: str | None
    at: str


class DecisionList(BaseModel):
    """The last decisions, the latest first."""

    decisions: list[DecisionEntry]


class DueOrders(BaseModel):
    """Orders of which nothing was said for longer than they are kept; `more`, if others may be."""

    due: list[OrderId]
    more: bool


@api.post("/order", responses={200: Registered, **problem_docs(409)})
@allow(STEP, "operator")
def register(body: StepOrder) -> dict[str, Any]:
    """Enter an order into the book; the same order again changes nothing."""
    order = body.with_id()
    _book().register(order)
    made_id = None if body.order_id else order.order_id
    return Registered(order_id=made_id).model_dump(exclude_none=True)


@api.get("/order/<order_id:order_id>", responses={200: TrackedOrder, **problem_docs(404)})
@allow("customer", "kitchen", "manager", "operator")
def find(path: OrderPath) -> dict[str, Any]:
    """An order, where it stands, and all that happened to it."""
    return shown_to(principal(), _book().find(path.order_id))


@api.get("/order/<order_id:order_id>/progress", responses={200: Progress, **problem_docs(404)})
@allow("customer", "kitchen", "manager", "operator")
def show_progress(path: OrderPath) -> dict[str, Any]:
    """How far an order is, step by step, and when it will probably be there."""
    return progress(_book().document(path.order_id), current_app.extensions["time_scale"])


@api.delete("/order/<order_id:order_id>", responses={200: Registered, **problem_docs(404, 409)})
@allow("operator", "service")
def delete(path: OrderPath) -> dict[str, Any]:
    """Forget an order on which no workflow works; its id may be used again, for a new order."""
    _book().delete(path.order_id)
    return Registered().model_dump(exclude_none=True)


@api.post("/orders/due", responses={200: DueOrders})
@allow(STEP)
def due() -> dict[str, Any]:
    """Orders that the shop need not remember any longer; the monitor asks, and has them forgotten.

    Each request looks at a few pages of the list of orders, and the next goes on behind them.
    """
    retention: OrderRetention = current_app.extensions["order_retention"]
    return retention.due()


@api.get("/orders", responses={200: OrderList})
@allow("kitchen", "manager", "operator", "service")
def list_orders(query: ListQuery) -> dict[str, Any]:
    """The orders, newest first, page by page; or the unfinished or unmoved ones, oldest first.

    Of the stuck ones those come first that were not announced as stuck there yet.
    """
    return shown_to(principal(), _listing(query))


@api.get("/decisions", responses={200: DecisionList})
@allow("manager", "operator")
def list_decisions(query: DecisionQuery) -> dict[str, Any]:
    """The last decisions of managers: the last 100 of all are kept, without forgotten orders'."""
    return {"decisions": _book().decisions(query.limit)}


def create_app(settings: Settings | None = None, sidecar: Sidecar | None = None) -> OpenAPI:
    """The service; tests pass their own parts, `python3 app.py` passes only settings."""
    settings = settings or settings_of(SERVICE)
    sidecar = sidecar or Sidecar(settings, SERVICE)
    app = service_app(SERVICE, settings, {"sidecar": sidecar.is_ready}, about=ABOUT)
    app.extensions["hooks"].stopped.append(sidecar.close)
    app.extensions["time_scale"] = settings.pizza_time_scale
    watch = OrderWatch(app.extensions["metrics"])
    keep = Retention(settings.pizza_retention_days)
    book = OrderBook(sidecar, watch, keep)
    lists = OrderLists(sidecar, settings.pizza_time_scale)
    app.extensions |= {"order_book": book, "order_lists": lists}
    app.extensions["order_retention"] = OrderRetention(sidecar, keep)
    app.register_api(api)
    app.register_api(orders_subscription(book.note))
    app.register_api(records_route(book.forget))
    install_counts(app, OrderCounts(lists))
    install_dead_letters(app, DeadLetters(sidecar, app.extensions["metrics"]))
    return app


def _listing(query: ListQuery) -> dict[str, Any]:
    lists: OrderLists = current_app.extensions["order_lists"]
    search = OrderSearch(frozenset(query.status), query.customer, query.needs_attention)
    if query.oldest:
        return lists.oldest(search, query.limit, query.timeline)
    if query.stuck or query.older_than_seconds is not None:
        return lists.unmoved(search, query.limit, query.older_than_seconds)
    listing = lists.unfinished if query.open else lists.all
    return listing(search, query.limit, query.cursor)


def _book() -> OrderBook:
    book: OrderBook = current_app.extensions["order_book"]
    return book


if __name__ == "__main__":
    sys.exit(run_service(SERVICE, create_app))
