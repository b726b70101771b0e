"""The answers that several services give, as their OpenAPI descriptions name them."""

from pydantic import BaseModel

from pizza_common.order import Customer, Item, OrderId, PizzaType, Size
from pizza_common.status import Status


class OrderAnswer(BaseModel):
    """The order as it was sent, with its id and where it stands."""

    order_id: OrderId
    pizza_type: PizzaType | None = None
    size: Size | None = None
    items: list[Item] | None = None
    customer: Customer
    scheduled_for: str | None = None
    status: Status


class UndoAnswer(BaseModel):
    """A step has no effect any more."""

    order_id: OrderId
    status: str
