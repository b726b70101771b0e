"""The route that counts orders."""

from typing import Any

from flask import current_app
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel, Field

from order_counts import OrderCounts
from pizza_common.access import allow
from pizza_common.problems import problem_docs
from pizza_common.status import Status

counts_api = APIBlueprint("order_counts", __name__, abp_responses=problem_docs(503))


class HourOfOrders(BaseModel):
    """The orders that were placed in an hour, by what has become of them.

    Not `complete` when the count does not reach back so far.
    """

    from_: str = Field(alias="from")
    placed: int
    delivered: int
    stopped: int
    unfinished: int
    complete: bool


class CountedOrders(BaseModel):
    """How many orders stand where, of the newest 1000 and 1000 of the unfinished ones.

    `whole` says that these are all orders; otherwise all are counted that were placed since
    `complete_since`, and, if `unfinished_whole`, all that are unfinished.
    """

    counted_at: str
    orders: int
    whole: bool
    complete_since: str | None
    unfinished: int
    unfinished_whole: bool
    needs_attention: int
    by_status: dict[Status, int]
    hours: list[HourOfOrders]


@counts_api.get("/orders/counts", responses={200: CountedOrders})
@allow("operator")
def count_orders() -> dict[str, Any]:
    """How many orders stand where, and what became of those of the last twelve hours."""
    counts: OrderCounts = current_app.extensions["order_counts"]
    return counts.counts()


def install_counts(app: OpenAPI, counts: OrderCounts) -> None:
    """Serve this route from these counts."""
    app.extensions["order_counts"] = counts
    app.register_api(counts_api)
