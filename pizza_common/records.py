"""The route by which a service forgets what it keeps of an order."""

from collections.abc import Callable
from typing import Any, Literal

from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel

from pizza_common.access import RECORDS, allow
from pizza_common.order import OrderId, OrderPath
from pizza_common.problems import problem_docs


class Forgotten(BaseModel):
    """Nothing is kept any more but what books have to show."""

    order_id: OrderId
    status: Literal["forgotten"] = "forgotten"


def records_api() -> APIBlueprint:
    """For the route by which pizza-workflow, and nobody else, has a service forget an order."""
    return APIBlueprint("records", __name__, abp_responses=problem_docs(400, 413, 503))


def records_route(forget: Callable[[str], None]) -> APIBlueprint:
    """`forget` may raise Unavailable; it is called again until it does not."""
    api = records_api()

    @api.delete("/records/<order_id:order_id>", responses={200: Forgotten, **problem_docs(404)})
    @allow(RECORDS)
    def forget_records(path: OrderPath) -> dict[str, Any]:
        """Forget what is kept of an order that is over; pizza-workflow asks for it."""
        forget(path.order_id)
        return Forgotten(order_id=path.order_id).model_dump()

    return api
