"""The order form: what stands in it, what its buttons do, and the order that it means.

The form is the basket: all of it is sent with every button, and shown again as it was typed.
"""

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from werkzeug.datastructures import MultiDict

from pizza_common.order import MAX_ITEMS, MAX_QUANTITY

Json = dict[str, Any]
Errors = Mapping[str, str]

_TYPED = 300
"""So much of a field is kept; the longest that is taken is shorter."""

_FIELDS = {
    "customer.name": "name",
    "customer.address": "address",
    "customer.phone": "phone",
    "customer": "name",
    "scheduled_for": "scheduled_for",
    "items": "basket",
    "pizza_type": "basket",
    "size": "basket",
}
_PATTERN = "does not match"
_ASKED = {
    "name": "Your name is needed.",
    "address": "An address is needed, to bring it there.",
    "phone": "A phone number is needed.",
    "scheduled_for": "This is no day and time.",
}
_EMPTY = "Put a pizza into the basket first."


@dataclass(frozen=True)
class Row:
    """One kind of pizza in the basket; the quantity as it was typed."""

    pizza_type: str
    size: str
    quantity: str = "1"

    @property
    def key(self) -> str:
        """What the buttons of this row and of the menu send."""
        return f"{self.pizza_type}.{self.size}"

    def more(self) -> Self:
        """One pizza more, as far as that is a number, and allowed."""
        number = _number(self.quantity)
        if not isinstance(number, int):
            return replace(self, quantity="1")
        return replace(self, quantity=str(min(number + 1, MAX_QUANTITY)))


@dataclass(frozen=True)
class OrderForm:
    """What a customer typed, with the id of the order that it will be.

    The id is made when the form is first shown: however often it is sent, it is one order.
    """

    order_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    rows: tuple[Row, ...] = ()
    name: str = ""
    address: str = ""
    phone: str = ""
    scheduled_for: str = ""
    offset: str = ""
    notice: str = ""

    @classmethod
    def sent(cls, form: MultiDict[str, str]) -> Self:
        """What a browser sent."""
        columns = (form.getlist(name)[:MAX_ITEMS] for name in ("pizza_type", "size", "quantity"))
        texts = {
            name: form.get(name, "")[:_TYPED]
            for name in ("order_id", "name", "address", "phone", "scheduled_for", "offset")
        }
        rows = (Row(*(text[:_TYPED] for text in row)) for row in zip(*columns, strict=False))
        return cls(
            **(texts | {"order_id": texts["order_id"] or uuid.uuid4().hex}), rows=tuple(rows)
        )

    @classmethod
    def again(cls, order: Json) -> Self:
        """The form of another order like this one; for now, whenever that one was for."""
        items = order.get("items") or [order]
        rows = (Row(it["pizza_type"], it["size"], str(it.get("quantity", 1))) for it in items)
        return cls(rows=_joined(rows), **order["customer"])

    def pressed(self, form: MultiDict[str, str]) -> Self:
        """The form after its button `add` or `remove`, if one of them was pressed."""
        if key := form.get("remove"):
            return replace(self, rows=tuple(row for row in self.rows if row.key != key))
        if key := form.get("add"):
            return self._with(key)
        return self

    def anew(self) -> Self:
        """The same for another order."""
        return replace(self, order_id=uuid.uuid4().hex)

    def items(self) -> list[Json]:
        """The pizzas, as the services take them."""
        return [
            {"pizza_type": row.pizza_type, "size": row.size, "quantity": _number(row.quantity)}
            for row in self.rows
        ]

    @property
    def pizzas(self) -> int:
        """How many they are, as far as they are numbers."""
        numbers = (_number(row.quantity) for row in self.rows)
        return sum(number for number in numbers if isinstance(number, int))

    def order(self) -> Json:
        """The order, as pizza-workflow takes it."""
        customer = {"name": self.name, "address": self.address, "phone": self.phone}
        later = {"scheduled_for": self._moment()} if self.scheduled_for.strip() else {}
        return {"order_id": self.order_id, "items": self.items(), "customer": customer, **later}

    def question(self) -> Json:
        """What the price is asked with; loyalty knows a customer by name and phone."""
        known = self.name.strip() and self.phone.strip()
        customer = {"customer": {"name": self.name, "phone": self.phone}} if known else {}
        return {"items": self.items(), **customer}

    def _moment(self) -> str:
        """With the offset that the browser put beside it; without script it is a time in UTC."""
        return self.scheduled_for.strip() + (self.offset.strip() or "Z")

    def _with(self, key: str) -> Self:
        if any(row.key == key for row in self.rows):
            rows = (row.more() if row.key == key else row for row in self.rows)
            return replace(self, rows=tuple(rows))
        if len(self.rows) == MAX_ITEMS:
            return replace(self, notice=f"An order has at most {MAX_ITEMS} kinds of pizza.")
        pizza_type, _, size = key[:_TYPED].partition(".")
        return replace(self, rows=(*self.rows, Row(pizza_type, size)))


def errors_by_field(found: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The errors of a service, by the fields of the form and in words for its reader."""
    errors: dict[str, str] = {}
    for path, message in found:
        name = _field(path)
        errors.setdefault(name, _in_words(name, message))
    return errors


def _field(path: str) -> str:
    if item := re.match(r"items\.(\d+)\b", path):
        return f"quantity-{item[1]}"
    return _FIELDS.get(path, "form")


def _in_words(name: str, message: str) -> str:
    if name == "basket":
        return _EMPTY
    if name.startswith("quantity-"):
        return f"From 1 to {MAX_QUANTITY}, please."
    if message.startswith(_PATTERN) and name in _ASKED:
        return _ASKED[name]
    return f"This {message}." if message.startswith("is ") else message


def _joined(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Each kind once: the form knows its rows by their kind."""
    joined: dict[str, Row] = {}
    for row in rows:
        known = joined.get(row.key)
        count = int(row.quantity) + (int(known.quantity) if known else 0)
        joined[row.key] = replace(row, quantity=str(count))
    return tuple(joined.values())


def _number(typed: str) -> int | str:
    """What was typed as a number, if it is one; else as it is, for the service to refuse."""
    text = typed.strip()
    return int(text) if re.fullmatch(r"-?[0-9]{1,6}", text) else text
