"""The order as clients send it, and what it means: which pizzas, for whom, when."""

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Set
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pizza_common.errors import BadInput

PizzaType = Literal[
    "margherita",
    "pepperoni",
    "hawaiian",
    "vegetarian",
    "quattro_formaggi",
    "diavola",
    "capricciosa",
    "funghi",
]
Size = Literal["small", "medium", "large"]
PIZZA_TYPES: tuple[str, ...] = get_args(PizzaType)
SIZES: tuple[str, ...] = get_args(Size)

ORDER_ID = "[A-Za-z0-9_-]{1,48}"
OrderId = Annotated[str, StringConstraints(pattern=f"^{ORDER_ID}$")]

# No control characters anywhere, and at least one character that shows.
_TEXT = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"
Text = Annotated[str, StringConstraints(pattern=_TEXT)]
Attempt = Annotated[int, Field(ge=1, le=100, description="1, and one more for each remake")]

MAX_ITEMS = 20
MAX_QUANTITY = 20

_TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})$"
_KEY_LENGTH = 64
CUSTOMER_KEY = r"^(?:[^\W_]|[.-]){1,90}$"


def _in_utc(text: str) -> str:
    """The same time in UTC with milliseconds. Raises ValueError for a day that never is."""
    try:
        time = datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is beyond the calendar") from error
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[str, StringConstraints(pattern=_TIME), AfterValidator(_in_utc)]
"""ISO 8601 with an offset; kept in UTC."""


class StrictModel(BaseModel):
    """Takes JSON types as they are and refuses fields it does not know."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OfOrder(StrictModel):
    """What is sent about the order of the path; its id may be repeated."""

    order_id: OrderId | None = None

    def under_id(self, order_id: str) -> Self:
        """This, under the id of its path. Raises BadInput when it has another."""
        if self.order_id not in (None, order_id):
            raise BadInput("Cannot use: order_id", [("order_id", "is not that of the path")])
        return self.model_copy(update={"order_id": order_id})


class Item(StrictModel):
    """One kind of pizza of an order."""

    pizza_type: PizzaType
    size: Size
    quantity: int = Field(default=1, ge=1, le=MAX_QUANTITY)


class Customer(StrictModel):
    """Who gets the pizza."""

    name: Text = Field(max_length=100)
    address: Text = Field(max_length=200)
    phone: Text = Field(max_length=40)

    @property
    def key(self) -> str:
        """The customer's key."""
        return customer_key(self.name, self.phone)


class Basket(StrictModel):
    """Which pizzas; `pizza_type` and `size` are shorthand for a single item."""

    pizza_type: PizzaType | None = None
    size: Size | None = None
    items: list[Item] | None = Field(default=None, min_length=1, max_length=MAX_ITEMS)

    @model_validator(mode="after")
    def _names_its_pizzas_once(self) -> Self:
        shorthand = (self.pizza_type, self.size)
        if self.items is not None and shorthand != (None, None):
            raise misfit("items", "send either items, or pizza_type and size, not both")
        if self.items is None and self.pizza_type is None:
            raise misfit("pizza_type", "send pizza_type and size, or items")
        if self.items is None and self.size is None:
            raise misfit("size", "pizza_type needs a size")
        return self

    def all_items(self) -> tuple[Item, ...]:
        """The pizzas, whichever way they were sent."""
        if self.items is not None:
            return tuple(self.items)
        return (Item.model_validate({"pizza_type": self.pizza_type, "size": self.size}),)

    def all_pizzas(self) -> tuple[Item, ...]:
        """One item of quantity 1 for each pizza; pizza n of the order is the n-th, from 1."""
        return tuple(
            Item(pizza_type=item.pizza_type, size=item.size)
            for item in self.all_items()
            for _ in range(item.quantity)
        )


class Order(Basket, OfOrder):
    """An order; `pizza_type` and `size` are shorthand for a single item."""

    customer: Customer
    scheduled_for: Time | None = None

    def sent(self) -> dict[str, Any]:
        """The order as JSON, with the fields that the client sent and its id."""
        fields = set(Order.model_fields)
        return self.model_dump(mode="json", include=fields, exclude_unset=True, exclude_none=True)

    def same_content(self, other: "Order") -> bool:
        """Whether both ask for the same pizzas for the same customer at the same time."""
        return self._content() == other._content()

    def with_id(self) -> Self:
        """This order, under a new id if it has none."""
        return self if self.order_id else self.model_copy(update={"order_id": uuid.uuid4().hex})

    def _content(self) -> tuple[object, ...]:
        return self.all_items(), self.customer, self.scheduled_for

    @property
    def id(self) -> str:
        """The id of an order that has one; ValueError before `with_id`."""
        if self.order_id is None:
            raise ValueError("the order has no id yet")
        return self.order_id


SHOP_FIELDS = frozenset(
    {
        "status",
        "total_cents",
        "driver",
        "needs_attention",
        "timeline",
        "placed_at",
        "updated_at",
        "attempt",
    }
)
"""What the shop's answers add to an order."""


def _with_shop_fields(schema: dict[str, Any]) -> None:
    ignored = {"description": "Ignored: an answer of the shop has it"}
    own = schema["properties"]
    schema["properties"] = own | {name: ignored for name in sorted(SHOP_FIELDS - own.keys())}


class StepOrder(Order):
    """An order as the step before answered it: what the shop added is ignored."""

    model_config = ConfigDict(json_schema_extra=_with_shop_fields)

    @model_validator(mode="before")
    @classmethod
    def _without_shop_fields(cls, sent: Any) -> Any:
        return without_shop_fields(sent, keep=cls.model_fields.keys())


class CookOrder(StepOrder):
    """An order for the kitchen; a remake is a further attempt."""

    attempt: Attempt = 1


class Undo(OfOrder):
    """Up to which attempt to undo a step (every one when absent), and why; all optional."""

    attempt: Attempt | None = None
    reason: Text | None = Field(default=None, max_length=200)


class OrderPath(BaseModel):
    """The order id in a path."""

    order_id: OrderId


def without_shop_fields(sent: Any, keep: Set[str] = frozenset()) -> Any:
    """What a client sent, without what an answer of the shop added to it, but for `keep`."""
    if not isinstance(sent, dict):
        return sent
    ignored = SHOP_FIELDS - keep
    return {name: value for name, value in sent.items() if name not in ignored}


def customer_key(name: str, phone: str) -> str:
    """The same for the same name and phone, however they are spaced and capitalised.

    `john-doe.5550123` for John Doe with 555-0123; fits into a path.
    """
    key = f"{_slug(name)}.{_slug(phone).replace('-', '')}"
    if len(key) <= _KEY_LENGTH:
        return key
    return key[:_KEY_LENGTH] + "." + hashlib.sha256(key.encode()).hexdigest()[:16]


def _slug(text: str) -> str:
    """Letters and digits of any script, in small, other characters as single hyphens."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", "-", plain).strip("-")


def misfit(field: str, message: str) -> PydanticCustomError:
    """For a validator: an error of the whole model that names the field to look at."""
    return PydanticCustomError("order_misfit", "{message}", {"field": field, "message": message})
