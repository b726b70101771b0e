"""What of an order is not for everybody's eyes: where its customer lives, and their phone."""

from typing import Any

from pydantic import BaseModel

from pizza_common.principal import Principal


class NamedCustomer(BaseModel):
    """A customer, as the kitchen and managers see them."""

    name: str


def shown_to(who: Principal, order: dict[str, Any]) -> dict[str, Any]:
    """The order, as this caller may see it.

    A customer, who is let through to one order only, sees it whole; so do operators and services.
    """
    if who.has("operator", "service", "customer"):
        return order
    return {**order, "customer": {"name": order["customer"]["name"]}}
