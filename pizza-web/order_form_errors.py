"""What is wrong with an order form: the errors of services in words, beside their fields."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from display import words
from order_form import OrderForm
from pizza_common.order import MAX_QUANTITY
from pizza_common.wanted_time import why_not_at

Errors = Mapping[str, str]

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
_TOO_LONG = re.compile(r"String should have (at most \d+ characters)")
_ASKED = {
    "name": "Your name is needed.",
    "address": "An address is needed, to bring it there.",
    "phone": "A phone number is needed.",
    "scheduled_for": "This is no day and time.",
}
_LABELS = {"name": "Name", "address": "Address", "phone": "Phone", "scheduled_for": "For later"}
_UNSEEN = "There is a character in it that cannot be seen. Type it again."
_EMPTY = "Put a pizza into the basket first."


@dataclass(frozen=True)
class Wrong:
    """A field that needs attention; `place` is the id of what to go to."""

    field: str
    place: str
    label: str
    says: str


def errors_by_field(found: Iterable[tuple[str, str]], form: OrderForm) -> dict[str, str]:
    """The errors of a service, by the fields of the form and in words for its reader.

    pizza-workflow looks at the time only when all else is right; so it is looked at here, too.
    """
    errors: dict[str, str] = {}
    for path, message in found:
        name = _field(path)
        errors.setdefault(name, _in_words(name, message, form))
    if errors and (why := _of_time(form)):
        errors.setdefault("scheduled_for", f"This {why}.")
    return errors


def fields_of(errors: Errors, form: OrderForm) -> list[Wrong]:
    """The fields that are wrong, from the top of the form to its end."""
    basket = [("basket", "menu", "Basket")]
    rows = [
        (f"quantity-{number}", row.place, f"{words(row.pizza_type)}, {row.size}")
        for number, row in enumerate(form.rows)
    ]
    typed = [(name, name, label) for name, label in _LABELS.items()]
    order = (*basket, *rows, *typed)
    return [Wrong(*field, errors[field[0]]) for field in order if field[0] in errors]


def _of_time(form: OrderForm) -> str | None:
    """What pizza-workflow would say of the time, where it is one."""
    try:
        return why_not_at(form.order()["scheduled_for"])
    except (KeyError, TypeError, ValueError):  # none, one without an offset, or no time at all
        return None


def _field(path: str) -> str:
    if item := re.match(r"items\.(\d+)\b", path):
        return f"quantity-{item[1]}"
    return _FIELDS.get(path, "form")


def _in_words(name: str, message: str, form: OrderForm) -> str:
    if name == "basket":
        return _EMPTY
    if name.startswith("quantity-"):
        return f"From 1 to {MAX_QUANTITY}, please."
    if message.startswith(_PATTERN) and name in _ASKED:
        return _UNSEEN if _has_unseen(getattr(form, name)) else _ASKED[name]
    if too_long := _TOO_LONG.match(message):
        return f"It may have {too_long[1]}."
    return f"This {message}." if message.startswith("is ") else message


def _has_unseen(text: str) -> bool:
    """Whether there is a control character, in a field that is not simply empty."""
    return bool(text.strip()) and re.search(r"[\x00-\x1f\x7f-\x9f]", text) is not None
