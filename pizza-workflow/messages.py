"""What clients send about an order, and what they get back."""

from typing import Any

from pydantic import BaseModel, Field

from pizza_common.order import Attempt, Item, Order, OrderId, StrictModel, Text


class OrderRef(StrictModel):
    """An order by its id."""

    order_id: OrderId


class CancelRequest(OrderRef):
    """A customer's wish to cancel."""

    reason: Text | None = Field(default=None, max_length=200)


class ForgetRequest(OrderRef):
    """An order to be forgotten, and what the order book has under its id."""

    order: Order | None = None


class Validation(OrderRef):
    """A manager's decision; `remake` has a rejected pizza made again.

    It is about the round that waits. A client that may send it twice names the `round`, as
    `attempt` counts it in the order's timeline: 1, and one more for each remake.
    """

    approved: bool
    reason: Text | None = Field(default=None, max_length=200)
    approver: Text | None = Field(default=None, max_length=100)
    remake: bool = False
    round: Attempt | None = None

    def decision(self) -> dict[str, Any]:
        """What is said, whatever it is about."""
        return self.model_dump(mode="json", exclude={"order_id", "round"}, exclude_none=True)


class Started(BaseModel):
    """The order's workflow exists.

    `runtime_status` is there when the order has ended, COMPLETED, FAILED or TERMINATED: nothing
    more will happen. `key`, where the service asks who calls, is the bearer token by which the
    customer sees and cancels the order.
    """

    order_id: str
    workflow_instance_id: str
    status: str
    runtime_status: str | None = None
    key: str | None = None


class Decided(BaseModel):
    """The decision counts."""

    order_id: str
    validation_status: str


class CustomerName(BaseModel):
    """Whom the pizzas are for; a manager needs no address."""

    name: str


class Approval(BaseModel):
    """Pizzas that wait for a manager: all of an order, cooked in this `round`.

    `reminders` were sent so far, the next one is sent at `reminder_at`, and at `cancelled_at` the
    order is cancelled. While the order is `paused`, neither happens. They can be made again
    `remakes_left` times; a rejection after that ends the order, whatever it asks for.
    """

    order_id: str
    round: Attempt
    items: list[Item]
    customer: CustomerName
    waiting_since: str
    reminders: int
    reminder_at: str | None
    cancelled_at: str | None
    paused: bool
    remakes_left: int


class ApprovalList(BaseModel):
    """What is cancelled first comes first; `more`, if there may be others."""

    approvals: list[Approval]
    more: bool


class Done(BaseModel):
    """What was asked for has happened, or will at the next safe point."""

    order_id: str
    status: str


class WorkflowStatus(BaseModel):
    """Where the order is; `result` once it is finished, `error` when it failed.

    `cancellable` says whether a cancel would be accepted now, `why_not` why it would not.
    """

    order_id: str
    workflow_instance_id: str
    runtime_status: str
    custom_status: str | None
    created_at: str | None
    last_updated_at: str | None
    result: dict[str, Any] | None
    error: str | None
    cancellable: bool
    why_not: str | None
