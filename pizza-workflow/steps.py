"""What goes into each step and child workflow, and what comes out: the models at the borders.

The engine hands on plain JSON. A step's annotations say which model its input and its answer
are; both sides of the border validate by them.
"""

from collections.abc import Callable, Generator
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    field_serializer,
)

from pizza_common.order import Attempt, Order
from pizza_common.status import Status

Step = Callable[..., Any]


class NonRetryableError(Exception):
    """What the workflow must not try again; the SDK knows it by this name."""


class StepInput(BaseModel):
    """The order that a step is for."""

    model_config = ConfigDict(frozen=True)

    order: Order

    @field_serializer("order")
    def _as_sent(self, order: Order) -> dict[str, Any]:
        return order.sent()


class Claim(StepInput):
    """The workflow that an order is to belong to, by its instance id."""

    instance: str


class Undoing(StepInput):
    """Up to which attempt a step is undone."""

    attempt: Attempt = 1


class Bill(StepInput):
    """What the customer does not pay, in cents."""

    free_cents: int = Field(default=0, ge=0)


class Promise(StepInput):
    """What the customer is told: the price and when the pizza comes."""

    total_cents: int = Field(ge=0)
    estimated_at: AwareDatetime


class Round(StepInput):
    """Cooking every pizza of an order; a remake is another attempt. Each is tried `tries` times."""

    attempt: Attempt = 1
    tries: int = Field(default=1, ge=1)


class OnePizza(StepInput):
    """One pizza of an order, counted from 1."""

    pizza: int = Field(ge=1)
    attempt: Attempt = 1


class Announcement(StepInput):
    """A status for the order book."""

    status: Status
    attempt: Attempt = 1
    repeat: int = Field(default=1, ge=1)
    detail: str | None = None
    by: str | None = None


class PeerAnswer(BaseModel):
    """A peer's answer; what is not named here is kept as it came."""

    model_config = ConfigDict(frozen=True, extra="allow")

    order_id: str
    status: str


class Taken(PeerAnswer):
    """The storefront took the order at this price."""

    total_cents: int = Field(ge=0)


class Payment(PeerAnswer):
    """What is authorised or captured."""

    amount_cents: int = Field(ge=0)


class Reservation(PeerAnswer):
    """What the kitchen keeps for the order."""

    ingredients: dict[str, int]


class CookedPizza(PeerAnswer):
    """One pizza is done."""

    pizza: int
    attempt: int


class Delivery(PeerAnswer):
    """The pizza is with its customer."""


class Gift(BaseModel):
    """What loyalty gives; nothing when it cannot be asked."""

    free_cents: int = Field(default=0, ge=0)


def _encodable(text: str) -> str:
    """JSON may carry half a surrogate pair, which no step could store or announce."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("is not Unicode")
    return text


Encodable = Annotated[str, AfterValidator(_encodable)]


class Decision(BaseModel):
    """What a manager said of one round; of the one that waits when it names none.

    `on_slip` says that it was written on the slip before the workflow was told.
    """

    model_config = ConfigDict(frozen=True)

    round: int | None = None
    approved: StrictBool
    remake: StrictBool = False
    reason: Encodable | None = None
    approver: Encodable | None = None
    order_id: Any = Field(default=None, exclude=True)
    on_slip: bool = Field(default=False, exclude=True)

    def said(self) -> dict[str, Any]:
        """What is said, whatever it is about."""
        return self.model_dump(mode="json", exclude={"round"}, exclude_none=True)

    def in_words(self) -> str | None:
        """Who said why, as far as it is known."""
        return ": ".join(filter(None, (self.approver, self.reason))) or None


class Told(StepInput):
    """A decision of which the workflow was told, in the round that it waited for."""

    attempt: Attempt
    decision: Decision


class RoundDone(BaseModel):
    """Every pizza of a round is cooked."""

    attempt: int
    pizzas: int


def reason_of(error: ValidationError) -> str:
    """The first thing that is wrong, with its place; models are not named, no sender knows them."""
    found = error.errors()[0]
    said = "Input should be a JSON object" if found["type"] == "model_type" else found["msg"]
    return ": ".join(filter(None, (".".join(map(str, found["loc"])), said)))


@cache
def input_of(step: Step) -> type[BaseModel]:
    """The model of the input of a step, or of a child workflow: its second parameter."""
    hints = [hint for name, hint in get_type_hints(step).items() if name != "return"]
    model: type[BaseModel] = hints[-1]
    return model


@cache
def output_of(step: Step) -> type[BaseModel] | None:
    """The model of the answer; None where the answer is nothing, or may be."""
    answer = get_type_hints(step).get("return")
    if get_origin(answer) is Generator:
        answer = get_args(answer)[2]
    return answer if isinstance(answer, type) and issubclass(answer, BaseModel) else None
