"""The order form: what stands in it, what its buttons do, and the order that it means.

The form is the basket: all of it is sent with every button, and shown again as it was typed.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self

from werkzeug.datastructures import MultiDict

from pizza_common.order import MAX_ITEMS, MAX_QUANTITY

Json = dict[str, Any]

_TYPED = 300
"""So much of a field is kept; the longest that is taken is shorter."""

_ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""No two of these look alike: people read ids out to each other."""

_ID_LENGTH = 8


def new_order_id() -> str:
    """Short; one that is another order's already is found out when it is ordered."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))


def items_of(order: Json) -> list[Json]:
    """An order's pizzas by kind, whichever way it was sent."""
    items: list[Json] = order.get("items") or [order]
    return items


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

    @property
    def place(self) -> str:
        """The id of its field."""
        return f"of-{self.pizza_type}-{self.size}"

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

    order_id: str = field(default_factory=new_order_id)
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
        texts["order_id"] = texts["order_id"] or new_order_id()
        return cls(**texts, rows=tuple(rows))

    @classmethod
    def again(cls, order: Json) -> Self:
        """The form of another order like this one; for now, whenever that one was for."""
        rows = (
            Row(item["pizza_type"], item["size"], str(item.get("quantity", 1)))
            for item in items_of(order)
        )
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
        return replace(self, order_id=new_order_id())

    def is_of(self, customer: Json) -> bool:
        """Whether it has something of this customer's, so that it may well be theirs."""
        names = ("name", "address", "phone")
        return any(getattr(self, name).strip() == str(customer.get(name)).strip() for name in names)

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
