"""The event on topic `orders`: one status of one order, announced by one service."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_serializer,
    model_validator,
)

from pizza_common.order import Attempt, Order, OrderId
from pizza_common.status import Status

Moment = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$")]


class OrderEvent(BaseModel):
    """Its id follows from what it tells, so a step that runs twice repeats it.

    `attempt` is the round: 1, and one more for each remake. `repeat` counts what is told several
    times in a round, as reminders are. `by` is the person who did it, where that is known.
    """

    model_config = ConfigDict(frozen=True)

    event_id: str
    order_id: OrderId
    status: Status
    service: str = Field(min_length=1, max_length=64)
    at: Moment
    order: Order
    attempt: Attempt = 1
    repeat: int = Field(default=1, ge=1, le=10000)
    detail: str | None = Field(default=None, max_length=500)
    by: str | None = Field(default=None, max_length=100)

    @classmethod
    def announce(
        cls,
        order: Order,
        status: Status,
        service: str,
        *,
        attempt: int = 1,
        repeat: int = 1,
        detail: str | None = None,
        by: str | None = None,
        at: str | None = None,
    ) -> Self:
        """The event of an order that has its id; `at` is now unless given."""
        return cls(
            event_id=event_id(order.id, status, attempt, repeat),
            order_id=order.id,
            status=status,
            service=service,
            at=at or moment(),
            order=order,
            attempt=attempt,
            repeat=repeat,
            detail=detail,
            by=by,
        )

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.event_id != event_id(self.order_id, self.status, self.attempt, self.repeat):
            raise ValueError("event_id does not belong to this order, status and attempt")
        if self.order.order_id != self.order_id:
            raise ValueError("the order has another id")
        return self

    @field_serializer("order")
    def _as_sent(self, order: Order) -> dict[str, Any]:
        return order.sent()

    def entry(self) -> dict[str, Any]:
        """What the order's timeline says of it: status, at, service, and what is not usual."""
        shown = {"status": self.status.value, "at": self.at, "service": self.service}
        said = {"detail": self.detail, "by": self.by}
        more = {name: text for name, text in said.items() if text}
        counts = {"attempt": self.attempt, "repeat": self.repeat}
        return shown | more | {name: count for name, count in counts.items() if count > 1}


def event_id(order_id: str, status: Status, attempt: int = 1, repeat: int = 1) -> str:
    """`<order_id>:<status>`, `:<attempt>` from the second round, `:<repeat>` from the second time.

    The first round is named, too, where `:<repeat>` follows.
    """
    if repeat > 1:
        return f"{order_id}:{status.value}:{attempt}:{repeat}"
    return f"{order_id}:{status.value}" + (f":{attempt}" if attempt > 1 else "")


def moment(now: datetime | None = None) -> str:
    """A time as the events have it: ISO 8601, UTC, milliseconds; now unless given."""
    time = (now or datetime.now(UTC)).astimezone(UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
