"""Many orders in one request: each is started, or refused, for itself."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from front_desk import FrontDesk
from pizza_common.errors import PizzaError
from pizza_common.order import Order, StrictModel
from pizza_common.problems import FieldError, Problem, bad_input

MANY = 100
_AT_ONCE = 8


class OrderBatch(StrictModel):
    """Orders as `/start-order` takes them; each is looked at for itself."""

    orders: list[dict[str, Any]] = Field(min_length=1, max_length=MANY)


class BatchResult(BaseModel):
    """What became of one order: `status` is "started", or `error` says why not.

    `runtime_status` and `key` as `/start-order` gives them.
    """

    order_id: str | None = None
    workflow_instance_id: str | None = None
    status: str | None = None
    runtime_status: str | None = None
    key: str | None = None
    error: Problem | None = None


class StartedOrders(BaseModel):
    """One result for each order, in their order."""

    results: list[BatchResult]


def start_all(desk: FrontDesk, orders: list[dict[str, Any]]) -> list[BatchResult]:
    """Start each; one that fails stops no other."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # Each in a copy of the request's context: its log lines and its trace.
        started = [pool.submit(copy_context().run, _start, desk, sent) for sent in orders]
        return [each.result() for each in started]


def _start(desk: FrontDesk, sent: dict[str, Any]) -> BatchResult:
    try:
        return BatchResult.model_validate(desk.start(_order(sent)))
    except PizzaError as error:
        order_id = sent.get("order_id")
        known = order_id if isinstance(order_id, str) else None
        return BatchResult(order_id=known, error=_problem(error))


def _order(sent: dict[str, Any]) -> Order:
    try:
        return Order.model_validate(sent).with_id()
    except ValidationError as error:
        raise bad_input(error) from error


def _problem(error: PizzaError) -> Problem:
    errors = [FieldError(field=field, message=message) for field, message in error.errors]
    return Problem(
        title=error.title, status=error.status, detail=error.detail, errors=errors or None
    )
