"""The form by which the stock is changed, as it was filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Self
from uuid import uuid4

from pizza_common.errors import PeerRefused
from plain_words import plain
from service_path import is_part

ADD, SET = "add", "available"


def _new_key() -> str:
    return uuid4().hex


@dataclass(frozen=True)
class StockForm:
    """`key` is made when the form is shown, so that it counts once however often it is sent."""

    ingredient: str = ""
    action: str = ADD
    units: str = ""
    reason: str = ""
    key: str = field(default_factory=_new_key)

    @classmethod
    def sent(cls, form: Mapping[str, str]) -> Self:
        """What a browser sent."""
        names = ("ingredient", "action", "units", "reason", "key")
        return cls(**{name: form[name].strip() for name in names if form.get(name)})

    def errors(self) -> dict[str, str]:
        """What cannot be sent on, by field; the kitchen looks at the rest."""
        found = {}
        if not is_part(self.ingredient):
            found["ingredient"] = "Choose an ingredient."
        if self.action not in (ADD, SET):
            found["action"] = "Choose what to do."
        if not (self.units.isascii() and self.units.isdecimal() and len(self.units) <= 12):
            found["units"] = "Enter a whole number of units."
        elif self.action == ADD and not int(self.units):
            found["units"] = "Enter at least 1 unit."
        return found

    def body(self) -> dict[str, Any]:
        """What the kitchen is sent."""
        return {self.action: int(self.units), **({"reason": self.reason} if self.reason else {})}


def again(form: StockForm, refused: PeerRefused) -> tuple[StockForm, dict[str, str]]:
    """The form once more, and what the kitchen says about its fields, or about the whole."""
    if refused.status == HTTPStatus.CONFLICT:  # the key was another change's
        form = replace(form, key=_new_key())
    fields = {ADD: "units", SET: "units"}
    told = {fields.get(name, name): plain(message) for name, message in refused.errors}
    known: dict[str, str] = {name: told[name] for name in ("units", "reason") if name in told}
    return form, known or {"form": refused.said}
