"""Reading of untyped YAML: each reader returns the type it names or says which field is wrong.

Raises ValueError only; the loader of the file puts its path in front.
"""

from collections.abc import Mapping
from typing import Any

REQUIRED = object()


class Spec:
    """A mapping of a resource file. `where` is the field's path for messages, like `spec.topic`."""

    def __init__(self, value: object, where: str = "") -> None:
        if not isinstance(value, Mapping):
            raise ValueError(f"{where or 'the document'} must be a mapping, not {_kind(value)}")
        self.fields: Mapping[str, Any] = value
        self.where = where

    def text(self, name: str, default: object = REQUIRED) -> str:
        """The scalar as YAML shows it; booleans are `true` and `false`."""
        value = self._value(name, default)
        if isinstance(value, Mapping | list):
            raise ValueError(f"{self.at(name)} must be a text, not {_kind(value)}")
        return as_text(value)

    def integer(self, name: str, default: int) -> int:
        try:
            return int(self.text(name, default))
        except ValueError:
            raise ValueError(f"{self.at(name)} must be a whole number") from None

    def flag(self, name: str) -> bool:
        return self.text(name, "false").lower() == "true"

    def part(self, name: str) -> "Spec":
        """A mapping inside this one; an empty one when absent."""
        return Spec(self.fields.get(name) or {}, self.at(name))

    def parts(self, name: str) -> "list[Spec]":
        """A list of mappings; empty when absent."""
        entries = enumerate(self._list(name))
        return [Spec(entry, f"{self.at(name)}[{index}]") for index, entry in entries]

    def named_parts(self, name: str) -> "dict[str, Spec]":
        """A mapping of mappings; empty when absent."""
        part = self.part(name)
        return {key: part.part(key) for key in part.fields}

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(as_text(entry) for entry in self._list(name))

    def table(self, name: str) -> dict[str, str]:
        part = self.part(name)
        return {key: part.text(key) for key in part.fields}

    def at(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def _value(self, name: str, default: object) -> object:
        value = self.fields.get(name)
        if value is not None:
            return value
        if default is REQUIRED:
            raise ValueError(f"{self.at(name)} is missing")
        return default

    def _list(self, name: str) -> list[Any]:
        value = self.fields.get(name) or []
        if not isinstance(value, list):
            raise ValueError(f"{self.at(name)} must be a list, not {_kind(value)}")
        return value


def as_text(value: object) -> str:
    """A YAML scalar as Dapr reads it: `true`, not `True`; nothing for null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    names = {list: "a list", str: "a text", type(None): "empty"}
    return names.get(type(value), repr(value))
