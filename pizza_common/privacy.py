"""What of an order is not for everybody's eyes: where its customer lives, and their phone."""

from typing import Any

from pydantic import BaseModel

from pizza_common.principal import Principal


class NamedCustomer(BaseModel):
    """A customer, as the kitchen and managers see them."""

    name: str


def shown_to(who: Principal, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, as this caller may see it, wherever in it a customer is.

    A customer, who is let through to one order only, sees it whole; so do operators and services.
    """
    if who.has("operator", "service", "customer"):
        return answer
    cut: dict[str, Any] = _without_addresses(answer)
    return cut


def _without_addresses(told: Any) -> Any:
    if isinstance(told, list):
        return [_without_addresses(each) for each in told]
    if not isinstance(told, dict):
        return told
    cut = {name: _without_addresses(value) for name, value in told.items()}
    if isinstance(customer := told.get("customer"), dict):
        cut["customer"] = {"name": customer.get("name", "")}
    return cut
