"""How the sidecar delivers events of topic `orders`, and what it is answered."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pizza_common.event import OrderEvent


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
    """What the sidecar shall do with the event: SUCCESS forgets it, DROP sets it aside for good."""

    status: str


TAKEN = Delivery(status="SUCCESS").model_dump()
DROPPED = Delivery(status="DROP").model_dump()
