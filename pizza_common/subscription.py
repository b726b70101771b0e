"""How the sidecar delivers events of topic `orders`, and what it is answered."""

from collections.abc import Callable
from typing import Any

from flask_openapi.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, ValidationError

from pizza_common.access import EVENT, allow
from pizza_common.event import OrderEvent
from pizza_common.problems import problem_docs


class CloudEvent(BaseModel):
    """An event as the sidecar delivers it."""

    model_config = ConfigDict(extra="allow")

    specversion: str
    data: Any = None

    def order_event(self) -> OrderEvent | None:
        """What it tells; None for what can never be understood."""
        try:
            return OrderEvent.model_validate(self.data)
        except ValidationError:
            return None


class Delivery(BaseModel):
    """What the sidecar shall do with the event: SUCCESS forgets it, DROP makes it a dead letter."""

    status: str


TAKEN = Delivery(status="SUCCESS").model_dump()
DROPPED = Delivery(status="DROP").model_dump()


def subscription_api(name: str) -> APIBlueprint:
    """For routes to which the sidecar delivers events; each says `allow(EVENT)`."""
    return APIBlueprint(name, __name__, abp_responses=problem_docs(400, 401, 403, 413, 503))


def orders_subscription(take: Callable[[OrderEvent], None]) -> APIBlueprint:
    """The route that the sidecar delivers events of topic `orders` to; `take` may raise.

    DROP is for what can never be understood; what raises is delivered again.
    """
    api = subscription_api("subscription")

    @api.post("/orders-sub", responses={200: Delivery})
    @allow(EVENT)
    def note(body: CloudEvent) -> dict[str, Any]:
        """Take in an event of topic `orders`."""
        event = body.order_event()
        if event is None:
            return DROPPED
        take(event)
        return TAKEN

    return api
