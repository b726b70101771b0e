"""What an order's workflow is started with: the order, and the terms that hold for it.

The terms are the settings of the moment it was started. They travel with the order, so that a
change of settings never touches an order that runs.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_serializer, model_validator

from pizza_common.order import ORDER_ID, Order, without_shop_fields
from pizza_common.status import DELIVERY_STAGES, KITCHEN_STAGES, STOREFRONT_STAGES
from steps import NonRetryableError
from workflow_settings import WorkflowSettings

_STAGES = (*STOREFRONT_STAGES, *KITCHEN_STAGES, *DELIVERY_STAGES)

INSTANCE_PREFIX = "pizza-order-"
"""What comes before the order's id in the id of its workflow."""

_SOON = 1.0
"""Seconds; nobody is asked more often, whatever the time scale."""


class Terms(BaseModel):
    """How long and how often; the defaults are for an order that was started without them."""

    model_config = ConfigDict(frozen=True)

    validation_seconds: float = Field(default=86400.0, gt=0)
    reminders: int = Field(default=0, ge=0)
    remakes: int = Field(default=2, ge=0)
    cook_tries: int = Field(default=5, ge=1)
    lead_seconds: float = Field(default=0.0, ge=0)
    driver_seconds: float = Field(default=5.0, gt=0)
    driver_hours: float = Field(default=12.0, gt=0)

    @classmethod
    def of(cls, settings: WorkflowSettings) -> Self:
        """The terms of an order that is started now."""
        return cls(
            validation_seconds=settings.pizza_validation_seconds,
            reminders=settings.pizza_validation_reminders,
            remakes=settings.pizza_remakes,
            cook_tries=settings.pizza_cook_tries,
            driver_seconds=max(_SOON, 5.0 * settings.pizza_time_scale),
            lead_seconds=settings.pizza_time_scale * sum(stage.seconds for stage in _STAGES),
        )

    @property
    def patience(self) -> timedelta:
        """How long a manager is waited for before the next reminder, or the end."""
        return timedelta(seconds=self.validation_seconds / (self.reminders + 1))

    @property
    def driver_patience(self) -> timedelta:
        """How long a driver is waited for in all: generous, because queueing is no failure."""
        return timedelta(hours=self.driver_hours)

    def driver_wait(self, asked: int) -> timedelta:
        """Until a driver is asked for again, after so many times; it grows to six times."""
        return timedelta(seconds=self.driver_seconds * min(1.25**asked, 6.0))

    @property
    def lead(self) -> timedelta:
        """From taking an order to its delivery, people's time left out."""
        return timedelta(seconds=self.lead_seconds)


class Ticket(BaseModel):
    """The workflow's input."""

    model_config = ConfigDict(frozen=True)

    order: Order
    terms: Terms = Terms()
    bare: bool = Field(default=False, exclude=True, description="Whether only an order was given")

    @model_validator(mode="before")
    @classmethod
    def _reads_bare_orders_and_old_tickets(cls, ticket: Any) -> Any:
        """The first form's only term stood beside the order."""
        if not isinstance(ticket, dict):
            return ticket
        if "order" not in ticket:
            return {"order": without_shop_fields(ticket), "bare": True}
        if "validation_seconds" in ticket:
            terms = {"validation_seconds": ticket["validation_seconds"], "reminders": 0}
            return {"order": ticket["order"], "terms": terms}
        return ticket

    def under(self, instance: str) -> Self:
        """This; an order without an id has that of its workflow. Raises NonRetryableError."""
        if self.order.order_id is not None:
            return self
        order_id = instance.removeprefix(INSTANCE_PREFIX)
        if not re.fullmatch(ORDER_ID, order_id):
            raise NonRetryableError(
                f"The order has no id, and its workflow's cannot be used: {instance}"
            )
        return self.model_copy(update={"order": self.order.under_id(order_id)})

    def is_foreign(self, instance: str) -> bool:
        """Whether the engine was given the order under another id than the front desk gives."""
        return self.bare and instance != f"{INSTANCE_PREFIX}{self.order.id}"

    @field_serializer("order")
    def _as_sent(self, order: Order) -> dict[str, Any]:
        return order.sent()


def aware(engine_time: datetime) -> datetime:
    """The engine's time, which is UTC without saying so."""
    return engine_time.replace(tzinfo=UTC)


def naive(time: str) -> datetime:
    """An ISO 8601 time as the engine takes it."""
    return datetime.fromisoformat(time).astimezone(UTC).replace(tzinfo=None)
